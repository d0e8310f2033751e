"""The jail: untrusted mail is parsed in child processes with bounded time and memory, and only there.

In: RawMail. Out: Normalised, or Quarantine with the reason that an agent reads. A mail that ends its child takes no
other mail with it. It refuses to know how a mail is parsed.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from desk.mail.inbound_request import from_json
from gateway.email.parse.normalise import Normalised
from gateway.email.sandbox.process import Child, JailUnavailable, Limits
from gateway.email.smtp.types import MEGABYTE, RawMail

PARSER = "gateway.email.parse.normalise:normalise"
_WAIT_FOR_A_CHILD = 60.0
_LARGE = 4 * MEGABYTE

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The mail could not be read within the limits: keep it raw, say why, answer 250."""

    reason: str


class Jail:
    """A pool of `size` children, for any number of threads. The limits are for one mail; `seconds` is wall time."""

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
        # Last in, first out: under little load one child stays warm and the others cost nothing.
        self._free: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(self._start())

    def normalise_many(self, mails: Sequence[RawMail]) -> list[Normalised | Quarantine]:
        """One result for each mail, in order. Raises JailUnavailable when no child can be had."""
        results: list[Normalised | Quarantine] = []
        with self._borrowed() as cell:
            alone = False
            while len(results) < len(mails):
                rest = mails[len(results) :]
                asked = rest[:1] if alone else rest
                said = cell.child().ask(asked)
                results += [_result(answer) for answer in said.answers]
                if not said.death:
                    cell.after(asked)
                    continue
                cell.lost(said.death)
                # After a death each mail is asked alone, so that no other is blamed. One that was alone in a child
                # that nobody had used before, or that ran out of its own time, is the one.
                if alone or (len(asked) == 1 and said.timed_out):
                    results.append(Quarantine(said.death))
                    alone = False
                else:
                    alone = True
        return results

    def close(self) -> None:
        """End the children; those at work are ended when they are given back."""
        self._closed = True
        while not self._free.empty():
            child = self._free.get_nowait()
            if child is not None:
                child.kill()

    @property
    def pids(self) -> list[int]:
        """The children that are free now."""
        return [child.pid for child in list(self._free.queue) if child is not None]

    def _start(self) -> Child:
        return Child(self._limits, self._parser, self._own_domains)

    @contextmanager
    def _borrowed(self) -> Iterator[_Cell]:
        if self._closed:
            raise JailUnavailable("the jail is closed")
        try:
            cell = _Cell(self, self._free.get(timeout=_WAIT_FOR_A_CHILD))
        except queue.Empty:
            raise JailUnavailable("no child was free") from None
        try:
            yield cell
        except BaseException:
            # Whatever it was, the child may be in the middle of a sentence.
            cell.abandon()
            raise
        finally:
            self._free.put(cell.give_back())
            if self._closed:
                self.close()


class _Cell:
    """A place in the pool and the child in it, which may change while somebody holds the place."""

    def __init__(self, jail: Jail, child: Child | None) -> None:
        self._jail = jail
        self._child = child

    def child(self) -> Child:
        if self._child is None or not self._child.alive:
            self._child = self._jail._start()
        return self._child

    def after(self, mails: Sequence[RawMail]) -> None:
        """A child that has read a large mail would keep the memory for it; a new one is cheaper."""
        if self._child is not None and any(len(mail.raw) > _LARGE for mail in mails):
            self._child.kill()
            self._child = self._jail._start()

    def lost(self, death: str) -> None:
        log.warning("jail_child_died", reason=death)
        self._child = self._jail._start()

    def abandon(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def give_back(self) -> Child | None:
        return self._child


def _result(answer: list[bytes]) -> Normalised | Quarantine:
    try:
        kind, text, *files = answer
        if kind == b"no":
            return Quarantine(text.decode(errors="replace"))
        names = [name.decode() for name in files[::2]]
        return Normalised(from_json(text), tuple(zip(names, files[1::2], strict=True)))
    except ValueError as error:
        return Quarantine(f"parser died: its answer is not a request ({type(error).__name__})")
