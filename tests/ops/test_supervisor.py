"""The supervisor alone: no crash loop, and a program that will not end is killed in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components import dies_with_us
from tests.servers.running import alive, children_of, wait_for

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from cli.process.supervisor import Program, Supervisor
ours = Supervisor([Program("shell", ["/bin/sh", "-c", sys.argv[1]], {}, 0, 1.0, is_ready=lambda: True)])
ours.start()
ours.watch()
sys.exit(0 if ours.stop() else 3)
"""


@contextmanager
def supervised(words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor with one program, a line of shell."""
    command = [sys.executable, "-c", SCRIPT, words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, preexec_fn=dies_with_us()) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_program_that_dies_at_once_is_started_ever_more_slowly(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    with supervised(f"echo x >> {starts}; exit 3"):
        wait_for(starts.exists, 20)
        begun = time.monotonic()
        wait_for(lambda: starts.read_text().count("x") >= 3, 20)
        # One second before the second start, two before the third.
        assert time.monotonic() - begun >= 2.8


def test_a_program_that_will_not_end_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    here = tmp_path / "here"
    with supervised(f"trap '' TERM; touch {here}; while :; do sleep 0.1; done") as process:
        wait_for(here.exists, 20)
        (program,) = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 3
        assert not alive(program)


def test_a_program_has_a_session_of_its_own_so_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    here = tmp_path / "here"
    with supervised(f"touch {here}; while :; do sleep 0.1; done") as process:
        wait_for(here.exists, 20)
        (program,) = children_of(process.pid)
        session = Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[3]
        assert session == str(program)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
