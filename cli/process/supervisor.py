"""The supervisor of `frontdesk up`: starts the processes, starts a dead one again, and stops all of them in order.

In: programs. Out: what each reported when it was ready. It refuses to know what the programs do. Each has a session of
its own, so that only the supervisor hears Ctrl-C; each is told to end when the supervisor is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

STEADY_SECONDS = 5.0
"""A program that lived this long starts again at once; one that did not waits, longer each time."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0

_PR_SET_PDEATHSIG = 1

log = structlog.get_logger()


class StartFailed(RuntimeError):
    """A program ended before it was ready; `code` is its exit status, and it has said why on stderr."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} did not start (exit status {code}); the reason is above")
        self.code = code


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive. Programs of a lower `rank` stop first, and the next rank only when they have ended.

    One that `reports` gets `--ready-fd N`, writes a JSON object of addresses to it, and hears them again as FRONTDESK_*
    variables when it is started anew, so that a port once picked stays. For any other, `is_ready` is asked. What has
    not ended `grace` seconds after the call to stop is killed.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    rank: int
    grace: float
    is_ready: Callable[[], bool] | None = None
    output: Path | None = None


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    report: dict[str, str] = field(default_factory=dict)
    ready_end: int | None = None
    ready: bool = False
    started_at: float = 0.0
    pause: float = 0.0
    again_at: float | None = None


class Supervisor:
    """Keeps programs running until a signal asks it to stop; for the main thread only."""

    def __init__(self, programs: Sequence[Program], start_seconds: float = 60.0) -> None:
        self._children = [_Child(program) for program in programs]
        self._start_seconds = start_seconds
        self._asked_to_stop = 0
        self._wake_reader, wake_writer = os.pipe()
        for end in (self._wake_reader, wake_writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def start(self) -> dict[str, str]:
        """Start the highest rank, then all others; returns what they reported. Raises StartFailed."""
        first = max(child.program.rank for child in self._children)
        for group in (
            [child for child in self._children if child.program.rank == first],
            [child for child in self._children if child.program.rank != first],
        ):
            for child in group:
                self._launch(child)
            self._await(group)
        return {key: value for child in self._children for key, value in child.report.items()}

    def watch(self) -> None:
        """Start again what dies, until a signal asks to stop."""
        while not self._asked_to_stop:
            for child in self._children:
                self._look_after(child)
            self._sleep(0.2 if any(child.again_at or not child.ready for child in self._children) else 5.0)

    def stop(self) -> bool:
        """SIGTERM rank by rank to the main processes only, then KILL what is left; whether all ended by themselves."""
        begun, asked = time.monotonic(), self._asked_to_stop
        clean = True
        for rank in sorted({child.program.rank for child in self._children}):
            group = [child for child in self._children if child.program.rank == rank and _alive(child)]
            for child in group:
                _signal(child, signal.SIGTERM)
            until = begun + max((child.program.grace for child in group), default=0.0)
            while any(map(_alive, group)) and time.monotonic() < until and self._asked_to_stop < asked + 2:
                self._sleep(0.1)
            for child in group:
                clean = _killed_none(child) and clean
        return clean

    @property
    def pids(self) -> dict[str, int]:
        return {c.program.name: c.process.pid for c in self._children if c.process is not None and _alive(c)}

    def _launch(self, child: _Child) -> None:
        program = child.program
        command, passed = list(program.command), []
        if program.is_ready is None:
            child.ready_end, write_end = os.pipe()
            os.set_blocking(child.ready_end, False)
            command += ["--ready-fd", str(write_end)]
            passed.append(write_end)
        known = {f"FRONTDESK_{key.upper()}": value for key, value in child.report.items()}
        with open(program.output or os.devnull, "wb") as output:  # noqa: PTH123 - one of the two is no path of ours
            child.process = subprocess.Popen(
                command,
                env={**program.environ, **known},
                stdin=subprocess.DEVNULL,
                stdout=output if program.output else None,
                stderr=output if program.output else None,
                pass_fds=passed,
                start_new_session=True,
                preexec_fn=_ends_with(os.getpid()),
            )
        for end in passed:
            os.close(end)
        child.ready, child.again_at, child.started_at = False, None, time.monotonic()
        log.info("process_started", process=program.name, pid=child.process.pid)

    def _await(self, group: Sequence[_Child]) -> None:
        until = time.monotonic() + self._start_seconds
        while not all(self._is_ready(child) for child in group):
            for child in group:
                assert child.process is not None
                if child.process.poll() is not None:
                    raise StartFailed(child.program.name, child.process.returncode)
                if time.monotonic() > until:
                    raise StartFailed(child.program.name, 1)
            if self._asked_to_stop:
                raise KeyboardInterrupt
            self._sleep(0.05)

    def _is_ready(self, child: _Child) -> bool:
        if not child.ready:
            asked = child.program.is_ready
            child.ready = asked() if asked is not None else _read_report(child)
        return child.ready

    def _look_after(self, child: _Child) -> None:
        assert child.process is not None
        if child.again_at is not None:
            if time.monotonic() >= child.again_at:
                self._launch(child)
        elif child.process.poll() is None:
            self._is_ready(child)
        else:
            self._plan_restart(child)

    def _plan_restart(self, child: _Child) -> None:
        assert child.process is not None
        now = time.monotonic()
        steady = now - child.started_at >= STEADY_SECONDS
        child.pause = 0.0 if steady else min(max(child.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        child.again_at = now + child.pause
        _forget_ready_end(child)
        code = child.process.returncode
        log.error("process_died", process=child.program.name, status=code, again_in_seconds=child.pause)

    def _note_stop(self, *_: object) -> None:
        self._asked_to_stop += 1

    def _sleep(self, seconds: float) -> None:
        """Until a signal comes (a child's death is one), a child reports, or the time is over."""
        ends = [c.ready_end for c in self._children if c.ready_end is not None and not c.ready]
        ready, _, _ = select.select([self._wake_reader, *ends], [], [], seconds)
        if self._wake_reader in ready:
            with suppress(BlockingIOError):
                os.read(self._wake_reader, 4096)


def reported(ready_fd: int | None, addresses: Mapping[str, str]) -> None:
    """The other end, in the started program: I am ready, and here is where I listen."""
    if ready_fd is None:
        return
    with os.fdopen(ready_fd, "w") as pipe, suppress(BrokenPipeError):
        pipe.write(json.dumps(dict(addresses)) + "\n")


def _read_report(child: _Child) -> bool:
    if child.ready_end is None:
        return False
    try:
        line = os.read(child.ready_end, 65536)
    except BlockingIOError:
        return False
    _forget_ready_end(child)
    if not line:
        return False
    child.report = json.loads(line)
    return True


def _forget_ready_end(child: _Child) -> None:
    if child.ready_end is not None:
        os.close(child.ready_end)
        child.ready_end = None


def _alive(child: _Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _signal(child: _Child, number: signal.Signals) -> None:
    if child.process is not None:
        child.process.send_signal(number)


def _killed_none(child: _Child) -> bool:
    """Make an end of what is still there; True if nothing had to be killed."""
    if not _alive(child):
        return True
    assert child.process is not None
    log.error("process_killed", process=child.program.name, pid=child.process.pid)
    child.process.kill()
    child.process.wait()
    return False


def _ends_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes its program: ask to be told (SIGTERM) when the supervisor is gone.

    Only Linux can do that; elsewhere a killed supervisor leaves its children behind.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask
