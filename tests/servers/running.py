"""A whole desk as its own processes: `frontdesk up` started in a folder, its addresses read from what it prints.

It takes a data folder and FRONTDESK_* variables, and returns where it listens, what it printed, its processes. It is
stopped when the block ends, and killed if it does not stop.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.components import dies_with_us

SCRIPT = Path(__file__).parents[2] / "frontdesk.py"
PATIENCE = 120.0
T = TypeVar("T")


@dataclass
class Desk:
    """One running `frontdesk up`."""

    process: subprocess.Popen[bytes]
    folder: Path
    environ: Mapping[str, str]
    log: Path

    @property
    def output(self) -> str:
        return (self.folder.parent / "up.out").read_text()

    @property
    def smtp(self) -> tuple[str, int]:
        return self._place(r"^SMTP  (\S+):(\d+)$")

    @property
    def http(self) -> str:
        found = re.search(r"^HTTP  (\S+)$", self.output, re.MULTILINE)
        assert found is not None
        return found[1]

    @property
    def password(self) -> str:
        found = re.search(r"with the password (\S+)$", self.output, re.MULTILINE)
        assert found is not None
        return found[1]

    def run(self, *words: str) -> Any:
        """`frontdesk WORDS --json` beside the running desk; returns what it answered."""
        done = frontdesk(*words, "--json", environ=self.environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def child(self, name: str) -> int:
        """The process id of one of its processes: gateway, worker, http, valkey."""
        return wait_for(lambda: self._children().get(name), 20)

    def stop(self) -> int:
        """SIGTERM to the main process; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _children(self) -> dict[str, int]:
        return {_name(pid): pid for pid in children_of(self.process.pid)}

    def _place(self, pattern: str) -> tuple[str, int]:
        found = re.search(pattern, self.output, re.MULTILINE)
        assert found is not None
        return found[1], int(found[2])


@contextmanager
def running_desk(folder: Path, **settings: str) -> Iterator[Desk]:
    """`frontdesk up` on free ports; `settings` are FRONTDESK_* variables without their beginning, in lower case."""
    given = {f"FRONTDESK_{name.upper()}": value for name, value in settings.items()}
    environ = {**plain_environ(), "FRONTDESK_DATA_DIR": str(folder), **given}
    log = folder.parent / "up.err"
    with (folder.parent / "up.out").open("wb") as out, log.open("wb") as err:
        command = [sys.executable, str(SCRIPT), "up", "--smtp", ":0", "--http", ":0"]
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=err, preexec_fn=dies_with_us())
    desk = Desk(process, folder, environ, log)
    try:
        wait_for(lambda: "Ctrl-C stops it." in desk.output or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()
        yield desk
    finally:
        if process.poll() is None:
            desk.stop()


def frontdesk(*words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=PATIENCE)


def plain_environ() -> dict[str, str]:
    """This process's variables without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FRONTDESK_")}


def wait_for(ask: Callable[[], T | None], seconds: float) -> T:
    """The first true answer; fails the test after so many seconds, or later: a loaded machine is no fault."""
    until = time.monotonic() + max(seconds, PATIENCE)
    while not (answer := ask()):
        assert time.monotonic() < until, f"waited {max(seconds, PATIENCE):g} seconds in vain"
        time.sleep(0.05)
    return answer


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split() if alive(int(word))]


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _name(pid: int) -> str:
    """What the process is; empty for one that has just ended or is not a program of its own yet."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    if words[1:2] and words[1].endswith("frontdesk.py"):
        return words[2]
    program = words[0].partition(" ")[0]
    return Path(program).name.partition("-")[0]
