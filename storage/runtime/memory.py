"""Keeps a serving process small: few arenas of malloc, and freed memory is returned to the system.

Every thread that allocates gets a glibc arena of its own, and what a burst of work freed stays in all of them. With
another C library nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

ARENAS = 2
LOOK_SECONDS = 20.0
GROWN_BYTES = 8 * 1024 * 1024
"""So much more than after the last time is worth a look through the heap, which takes some milliseconds."""
_M_ARENA_MAX = -8
_STATM = Path("/proc/self/statm")


def limit_memory() -> None:
    """Called at the start of a process, before it has threads; a thread then releases memory regularly."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
    # Signals are for the threads that wait for them: this one inherits that it hears none.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=_release_regularly, name="memory", daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release_memory() -> None:
    """Collects cyclic garbage, and returns free pages to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def resident_bytes() -> int:
    """The resident memory of this process; 0 where the system does not say."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _release_regularly() -> None:
    least = 0
    pause = threading.Event()
    while not pause.wait(LOOK_SECONDS):
        if resident_bytes() > least + GROWN_BYTES:
            release_memory()
            least = resident_bytes()
