"""The sandbox pool: mail is parsed in worker processes with bounded time and memory, and only there.

A mail that cannot be parsed becomes a Quarantine with the reason that an agent reads. A mail that ends its worker takes
no other mail with it.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from desk.mail.inbound_request import Envelope, from_json
from gateway.email.parse.normalise import Normalised
from gateway.email.sandbox.process import Limits, SandboxUnavailable, SandboxWorker
from gateway.email.smtp.types import MEGABYTE, RawMail

PARSER = "gateway.email.parse.normalise:normalise"
_WAIT_FOR_A_CHILD = 60.0
_LARGE = 4 * MEGABYTE
_BUSY, _CLOSED = "no child was free", "the sandbox is closed"
_PROBE = RawMail(
    b"From: probe@localhost\r\nTo: probe@localhost\r\nSubject: probe\r\n\r\nprobe\r\n",
    Envelope("probe@localhost", ("probe@localhost",)),
    "probe",
    datetime(2000, 1, 1, tzinfo=UTC),
)
"""A mail that every parser can read."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The mail could not be read within the limits: keep it raw, say why, answer 250."""

    reason: str


class SandboxPool:
    """A pool of `size` workers, for any number of threads. The limits are for one mail; `seconds` is wall time."""

    def __init__(
        self,
        size: int = 2,
        *,
        seconds: float = 5.0,
        cpu_seconds: float = 2.0,
        memory: int = 300 * MEGABYTE,
        own_domains: frozenset[str] = frozenset(),
        parser: str = PARSER,
    ) -> None:
        self._limits = Limits(seconds, cpu_seconds, memory)
        self._parser = parser
        self._own_domains = own_domains
        self._closed = False
        # Last in, first out: under little load one worker stays warm and the others cost nothing.
        self._free: queue.LifoQueue[SandboxWorker | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(self._start())

    def normalise_many(self, mails: Sequence[RawMail]) -> list[Normalised | Quarantine]:
        """One result for each mail, in order. Raises JailUnavailable when no child can be had."""
        results: list[Normalised | Quarantine] = []
        with self._borrowed() as slot:
            alone = False
            while len(results) < len(mails):
                rest = mails[len(results) :]
                asked = rest[:1] if alone else rest
                exchange = slot.worker().ask(asked)
                results += [_result(answer) for answer in exchange.answers]
                if not exchange.death:
                    slot.discard_if_large(asked)
                    continue
                slot.replace(exchange.death)
                # After a death each mail is sent alone, so that no other is blamed. One that was alone in a worker
                # that nobody had used before, or that ran out of its own time, is the one.
                if alone or (len(asked) == 1 and exchange.timed_out):
                    results.append(Quarantine(exchange.death))
                    alone = False
                else:
                    alone = True
        return results

    def check(self) -> str:
        """Why no mail can be parsed; empty if one was, or if all workers are busy."""
        try:
            (result,) = self.normalise_many([_PROBE])
        except SandboxUnavailable as error:
            return "" if str(error) in (_BUSY, _CLOSED) else str(error)
        except OSError as error:
            return f"no process can be started ({error.strerror or type(error).__name__})"
        return result.reason if isinstance(result, Quarantine) else ""

    def close(self) -> None:
        """Ends the workers; busy ones are ended when they are given back."""
        self._closed = True
        while not self._free.empty():
            worker = self._free.get_nowait()
            if worker is not None:
                worker.kill()

    @property
    def pids(self) -> list[int]:
        """The process ids of idle workers."""
        return [worker.pid for worker in list(self._free.queue) if worker is not None]

    def _start(self) -> SandboxWorker:
        return SandboxWorker(self._limits, self._parser, self._own_domains)

    @contextmanager
    def _borrowed(self) -> Iterator[_WorkerSlot]:
        if self._closed:
            raise SandboxUnavailable(_CLOSED)
        try:
            slot = _WorkerSlot(self, self._free.get(timeout=_WAIT_FOR_A_CHILD))
        except queue.Empty:
            raise SandboxUnavailable(_BUSY) from None
        try:
            yield slot
        except BaseException:
            # The worker may be in the middle of a frame.
            slot.abandon()
            raise
        finally:
            self._free.put(slot.give_back())
            if self._closed:
                self.close()


class _WorkerSlot:
    """A slot of the pool and its worker, which may be replaced while the slot is in use."""

    def __init__(self, pool: SandboxPool, worker: SandboxWorker | None) -> None:
        self._pool = pool
        self._worker = worker

    def worker(self) -> SandboxWorker:
        if self._worker is None or not self._worker.alive:
            self._worker = self._pool._start()
        return self._worker

    def discard_if_large(self, mails: Sequence[RawMail]) -> None:
        """Replaces a worker that has parsed a large mail and would keep its memory; a new one is cheaper."""
        if self._worker is not None and any(len(mail.raw) > _LARGE for mail in mails):
            self._worker.kill()
            self._worker = self._pool._start()

    def replace(self, death: str) -> None:
        log.warning("sandbox_process_died", reason=death)
        self._worker = self._pool._start()

    def abandon(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def give_back(self) -> SandboxWorker | None:
        return self._worker


def _result(answer: list[bytes]) -> Normalised | Quarantine:
    try:
        kind, text, *files = answer
        if kind == b"no":
            return Quarantine(text.decode(errors="replace"))
        names = [name.decode() for name in files[::2]]
        return Normalised(from_json(text), tuple(zip(names, files[1::2], strict=True)))
    except ValueError as error:
        return Quarantine(f"parser died: its answer is not a request ({type(error).__name__})")
