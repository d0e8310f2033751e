"""The gateway's side of a sandbox worker: starts the process, exchanges frames with it, kills it at a limit."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.email.sandbox import frames
from gateway.email.sandbox.worker import OUT_OF_MEMORY
from gateway.email.smtp.types import MEGABYTE, RawMail

_PIPE = MEGABYTE
_SMALL = 64 * 1024
_START_SECONDS = 60.0
_F_SETPIPE_SZ = 1031
_ROOT = Path(__file__).parents[3]


class SandboxUnavailable(RuntimeError):
    """No worker can be started, which is no mail's fault: the mails must come again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mail may take of a child: wall seconds, CPU seconds, bytes of memory, bytes of answer."""

    seconds: float = 5.0
    cpu_seconds: float = 2.0
    memory: int = 300 * MEGABYTE
    answer: int = 200 * MEGABYTE


@dataclass(frozen=True, slots=True)
class WorkerAnswers:
    """The answers in order, and why the worker ended before the rest; empty if it did not."""

    answers: list[list[bytes]]
    death: str = ""
    timed_out: bool = False


class SandboxWorker:
    """One worker process. After a death that `ask` returned it cannot be used."""

    def __init__(self, limits: Limits, parser: str, own_domains: frozenset[str]) -> None:
        self._limits = limits
        config = {
            "parser": parser,
            "memory": limits.memory,
            "cpu_seconds": limits.cpu_seconds,
            "own_domains": sorted(own_domains),
        }
        # An environment of our own: whatever secrets the gateway got by its environment stay outside.
        search = os.pathsep.join(dict.fromkeys([str(_ROOT), *filter(None, sys.path)]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway.email.sandbox.worker", json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": search, "MALLOC_ARENA_MAX": "1"},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._in, self._out):
            os.set_blocking(descriptor, False)
            # Fewer context switches; a kernel that does not allow it keeps its own size.
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _PIPE)
        self._unpacker = frames.Unpacker(limits.answer)
        self._ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, mails: Sequence[RawMail]) -> WorkerAnswers:
        """Send the mails and collect the answers, at most `seconds` of silence long. Raises JailUnavailable."""
        if not self._ready:
            self._await_ready()
        pieces = _joined(piece for place, mail in enumerate(mails, 1) for piece in _frame(mail, place == len(mails)))
        exchange = self._exchange(pieces, len(mails), self._limits.seconds)
        if exchange.death:
            self.kill()
        return exchange

    def kill(self) -> None:
        """End it, whatever it does, and leave no zombie."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _await_ready(self) -> None:
        exchange = self._exchange(deque(), 1, _START_SECONDS)
        if exchange.death or exchange.answers[0][0] != b"ready":
            self.kill()
            reason = exchange.answers[0][-1].decode(errors="replace") if exchange.answers else exchange.death
            raise SandboxUnavailable(f"the sandbox does not start: {reason}")
        self._ready = True

    def _exchange(self, pieces: deque[bytes], wanted: int, patience: float) -> WorkerAnswers:
        """Write and read in turns, as the pipes allow, so that neither side waits for the other."""
        answers: list[list[bytes]] = []
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        if pieces:
            poll.register(self._in, select.POLLOUT)
        view = memoryview(b"")
        deadline = time.monotonic() + patience
        while len(answers) < wanted:
            events = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not events:
                return WorkerAnswers(answers, f"took longer than {patience:g} s", timed_out=True)
            for descriptor, _ in events:
                if descriptor == self._in:
                    view, more = self._write(view, pieces)
                    if not more:
                        poll.unregister(self._in)
                elif (frames_read := self._read()) is None:
                    return self._dead(answers)
                else:
                    answers += frames_read
            deadline = time.monotonic() + patience
        return WorkerAnswers(answers)

    def _write(self, view: memoryview, pieces: deque[bytes]) -> tuple[memoryview, bool]:
        """Write what the pipe takes; returns what is left of this piece, and whether there is more to write."""
        try:
            while view or pieces:
                view = view or memoryview(pieces.popleft())
                view = view[os.write(self._in, view) :]
        except BlockingIOError:
            return view, True
        except BrokenPipeError:
            return view, False
        return view, False

    def _read(self) -> list[list[bytes]] | None:
        """The complete answers; None when the worker is gone or sends no valid frame."""
        try:
            chunk = os.read(self._out, _PIPE)
            return self._unpacker.feed(chunk) if chunk else None
        except BlockingIOError:
            return []
        except frames.BadFrame:
            return None

    def _dead(self, answers: list[list[bytes]]) -> WorkerAnswers:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return WorkerAnswers(answers, "parser died: its answer was too large or none")
        if status == -signal.SIGPROF:
            return WorkerAnswers(answers, f"took longer than {self._limits.cpu_seconds:g} s", timed_out=True)
        if status == OUT_OF_MEMORY:
            return WorkerAnswers(answers, f"needed more than {self._limits.memory // MEGABYTE} MB")
        return WorkerAnswers(answers, f"parser died: {_status(status)}")


def _frame(mail: RawMail, last: bool) -> list[bytes]:
    header = {
        "mail_from": mail.envelope.mail_from,
        "rcpt_to": mail.envelope.rcpt_to,
        "peer": mail.envelope.peer,
        "source": mail.source,
        "received_at": mail.received_at.isoformat(),
        "last": last,
    }
    return frames.pack([json.dumps(header).encode(), mail.raw])


def _joined(pieces: Iterable[bytes]) -> deque[bytes]:
    """Small pieces put together, since each write is a call of the kernel; large ones are not copied."""
    joined: deque[bytes] = deque()
    run: list[bytes] = []
    for piece in pieces:
        if len(piece) < _SMALL:
            run.append(piece)
            continue
        joined.append(b"".join(run))
        joined.append(piece)
        run = []
    joined.append(b"".join(run))
    return joined


def _status(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"
