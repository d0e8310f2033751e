"""Group commit: callers submit items and wait; one thread commits all waiting items together and answers each.

Items come from an event loop (`answer`) or from a thread (`submit`). An item that finds no other waiting is committed
at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
R = TypeVar("R")
log = structlog.get_logger()


class QueueFull(Exception):
    """The waiting items have reached their limit of memory."""


class QueueClosed(Exception):
    """The process is stopping: nothing more is taken."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T, R]):
    item: T
    size: int
    future: Future[R] | asyncio.Future[R]


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How much waits and is committed at once, by number of items and by their size together."""

    most: int = 100
    most_waiting: int = 10_000
    most_in_batch: int = 10_000
    spare: int = 1
    patience: float = 0.25


USUAL_LIMITS = GroupLimits()


class GroupCommit(Generic[T, R]):
    """`commit(items)` runs in a thread of ours and returns one result per item, in order, or raises for all of them.

    `spare` threads step in when those at work have been at it for `patience` seconds, so that one stuck batch does
    not hold up what came after it; otherwise they stay idle, because small batches make commits expensive.
    """

    def __init__(
        self,
        commit: Callable[[list[T]], Sequence[R]],
        limits: GroupLimits = USUAL_LIMITS,
        size: Callable[[T], int] = lambda _item: 1,
    ) -> None:
        self._commit = commit
        self._size = size
        self._limits = limits
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._held = 0
        self._begun: dict[int, float] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"group-commit-{n}", daemon=True) for n in range(1 + limits.spare)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, item: T) -> Future[R]:
        """Hand in an item from a thread; the future is settled in the committing thread."""
        future: Future[R] = Future()
        self._enter(_Waiting(item, self._size(item), future))
        return future

    async def answer(self, item: T, seconds: float) -> R:
        """Hand in an item from an event loop and wait. Raises TimeoutError after `seconds`; it may still be committed.

        An item whose caller is cancelled is committed all the same.
        """
        loop = asyncio.get_running_loop()
        entry: _Waiting[T, R] = _Waiting(item, self._size(item), loop.create_future())
        self._enter(entry)
        timer = loop.call_later(seconds, self._give_up, entry)
        try:
            return await _in_loop(entry)
        finally:
            timer.cancel()

    def close(self, seconds: float = 10.0) -> None:
        """Take nothing more, commit what waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _enter(self, entry: _Waiting[T, R]) -> None:
        with self._changed:
            if self._closed:
                raise QueueClosed
            if self._held and self._held + entry.size > self._limits.most_waiting:
                raise QueueFull
            self._held += entry.size
            self._waiting.append(entry)
            self._changed.notify()

    def _give_up(self, entry: _Waiting[T, R]) -> None:
        """The wait was too long: an item that nobody has taken yet is taken back, since its sender will come again."""
        with self._changed:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._held -= entry.size
        if not entry.future.done():
            entry.future.set_exception(TimeoutError())

    def _work(self) -> None:
        while self._round():
            pass

    def _round(self) -> bool:
        """One batch; False when there will be none any more. Nothing of it is held while we wait for the next."""
        batch = self._take()
        if not batch:
            return False
        try:
            self._settle(batch, *self._outcome([entry.item for entry in batch]))
        finally:
            self._release(batch)
        return True

    def _take(self) -> list[_Waiting[T, R]]:
        """The next batch; empty when there will be none any more."""
        with self._changed:
            while not (self._waiting and self._may_begin()):
                if self._closed and not self._waiting:
                    return []
                self._changed.wait(self._limits.patience if self._waiting else None)
            batch = [self._waiting.popleft()]
            weight = batch[0].size
            while self._waiting and len(batch) < self._limits.most:
                weight += self._waiting[0].size
                if weight > self._limits.most_in_batch:
                    break
                batch.append(self._waiting.popleft())
            self._begun[threading.get_ident()] = time.monotonic()
            return batch

    def _may_begin(self) -> bool:
        return not self._begun or time.monotonic() - max(self._begun.values()) >= self._limits.patience

    def _release(self, batch: list[_Waiting[T, R]]) -> None:
        with self._changed:
            self._held -= sum(entry.size for entry in batch)
            del self._begun[threading.get_ident()]

    def _outcome(self, items: list[T]) -> tuple[Sequence[R], BaseException | None]:
        try:
            results = self._commit(items)
            if len(results) != len(items):
                raise RuntimeError(f"{len(results)} results for {len(items)} items")
        except Exception as error:  # noqa: BLE001 - each waiting caller gets it, and the thread must live on
            log.warning("group_commit_failed", items=len(items), error=type(error).__name__)
            return (), error
        return results, None

    @staticmethod
    def _settle(batch: list[_Waiting[T, R]], results: Sequence[R], error: BaseException | None) -> None:
        """Sets each result; those of one event loop in one call, because waking a loop is expensive."""
        loops: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
        for position, entry in enumerate(batch):
            set_result = _result_setter(entry, results[position] if error is None else None, error)
            if isinstance(entry.future, Future):
                set_result()
            else:
                loops.setdefault(entry.future.get_loop(), []).append(set_result)
        for loop, setters in loops.items():
            # A closed loop has no callers left.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_call_all, setters)


async def _in_loop(entry: _Waiting[T, R]) -> R:
    assert isinstance(entry.future, asyncio.Future)
    return await entry.future


def _result_setter(entry: _Waiting[T, R], result: R | None, error: BaseException | None) -> Callable[[], None]:
    def set_result() -> None:
        if entry.future.done():
            return
        if error is not None:
            entry.future.set_exception(error)
        else:
            entry.future.set_result(result)  # type: ignore[arg-type]  # None only together with an error

    return set_result


def _call_all(setters: list[Callable[[], None]]) -> None:
    for set_result in setters:
        set_result()
