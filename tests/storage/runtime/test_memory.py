"""A burst of work does not stay in a process: what its threads freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from storage.runtime import memory

BURST = """
import threading
from storage.runtime import memory
{bound}
def work():
    held = [bytearray(3000) for _ in range(4000)]
    kept.append(held[-1])
kept = []
least = memory.resident_bytes()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
most = memory.resident_bytes()
memory.release_memory()
print(least, most, memory.resident_bytes())
"""


def test_what_threads_freed_is_given_back() -> None:
    if memory.resident_bytes() == 0:
        pytest.skip("missing component: /proc")
    done = subprocess.run(
        [sys.executable, "-c", BURST.format(bound="memory.limit_memory()")], capture_output=True, text=True, check=True
    )
    least, _most, after = map(int, done.stdout.split())
    assert after < least + 4 * 1024 * 1024


def test_the_thread_that_looks_after_memory_hears_no_signal() -> None:
    """A worker waits for SIGTERM in one place; a thread that let it through would end the process at once."""
    script = (
        "import os, signal, threading\n"
        "from storage.runtime import memory\n"
        "memory.limit_memory()\n"
        "thread = next(one for one in threading.enumerate() if one.name == 'memory')\n"
        "status = open(f'/proc/self/task/{thread.native_id}/status').read()\n"
        "blocked = int(next(line for line in status.splitlines() if line.startswith('SigBlk')).split()[1], 16)\n"
        "print(bool(blocked >> (signal.SIGTERM - 1) & 1), signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "set()"]
