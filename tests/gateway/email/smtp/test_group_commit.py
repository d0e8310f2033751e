"""Group commit: one commit for all who wait, to each its own answer, and no one waits for a stuck neighbour."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from gateway.group_commit import GroupCommit, GroupLimits, QueueClosed, QueueFull


class Gate:
    """A commit that notes its batches and can be held shut."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()

    def commit(self, items: list[int]) -> Sequence[int]:
        self.batches.append(items)
        self.entered.release()
        assert self.open.wait(10)
        return [item * 10 for item in items]


@contextmanager
def group(commit: Callable[[list[int]], Sequence[int]], **options: float) -> Iterator[GroupCommit[int, int]]:
    limits = GroupLimits(**options)  # type: ignore[arg-type]  # whole numbers are whole
    made: GroupCommit[int, int] = GroupCommit(commit, limits)
    try:
        yield made
    finally:
        made.close()


def test_a_single_item_is_committed_alone_and_at_once() -> None:
    gate = Gate()
    with group(gate.commit) as commits:
        assert commits.submit(7).result(10) == 70
    assert gate.batches == [[7]]


def test_all_who_came_during_a_commit_go_into_the_next() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0) as commits:
        futures = [commits.submit(0)]
        assert gate.entered.acquire(timeout=10)
        futures += [commits.submit(n) for n in range(1, 6)]
        gate.open.set()
        assert [future.result(10) for future in futures] == [0, 10, 20, 30, 40, 50]
    assert gate.batches == [[0], [1, 2, 3, 4, 5]]


def test_a_batch_is_bounded_in_number_and_in_size() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0, most=3, most_in_batch=2) as commits:
        futures = [commits.submit(0)]
        assert gate.entered.acquire(timeout=10)
        futures += [commits.submit(n) for n in range(1, 6)]
        gate.open.set()
        assert [future.result(10) for future in futures] == [0, 10, 20, 30, 40, 50]
    assert [len(batch) for batch in gate.batches] == [1, 2, 2, 1]


def test_a_spare_thread_steps_in_behind_a_stuck_batch() -> None:
    entered, stuck = threading.Event(), threading.Event()

    def commit(items: list[int]) -> Sequence[int]:
        if 0 in items:
            entered.set()
            assert stuck.wait(10)
        return items

    with group(commit, spare=1, patience=0.01) as commits:
        slow = commits.submit(0)
        assert entered.wait(10)
        assert commits.submit(1).result(10) == 1
        assert not slow.done()
        stuck.set()
        assert slow.result(10) == 0


def test_when_the_commit_fails_each_hears_why_and_the_next_is_fine() -> None:
    failing = [True]

    def commit(items: list[int]) -> Sequence[int]:
        if failing[0]:
            raise ConnectionError("the database is down")
        return items

    with group(commit) as commits:
        with pytest.raises(ConnectionError):
            commits.submit(1).result(10)
        failing[0] = False
        assert commits.submit(2).result(10) == 2


def test_a_wrong_number_of_results_is_a_failure() -> None:
    with group(lambda items: []) as commits, pytest.raises(RuntimeError, match="0 results for 1 items"):
        commits.submit(1).result(10)


def test_many_coroutines_get_each_their_own_answer() -> None:
    gate = Gate()
    with group(gate.commit) as commits:

        async def ask() -> list[int]:
            return await asyncio.gather(*(commits.answer(n, 10.0) for n in range(500)))

        assert asyncio.run(ask()) == [n * 10 for n in range(500)]
    assert sum(map(len, gate.batches)) == 500


def test_a_wait_that_is_too_long_ends_and_what_nobody_took_is_taken_back() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0) as commits:
        commits.submit(0)
        assert gate.entered.acquire(timeout=10)
        with pytest.raises(TimeoutError):
            asyncio.run(commits.answer(1, 0.01))
        gate.open.set()
        assert commits.submit(2).result(10) == 20
    assert gate.batches == [[0], [2]]


def test_who_goes_away_leaves_his_item_to_be_committed() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0) as commits:
        commits.submit(0)
        assert gate.entered.acquire(timeout=10)

        async def go_away() -> None:
            asking = asyncio.ensure_future(commits.answer(1, 10.0))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

        asyncio.run(go_away())
        gate.open.set()
        assert commits.submit(2).result(10) == 20
    assert gate.batches == [[0], [1, 2]]


def test_what_waits_is_bounded_but_one_large_item_always_fits() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0, most_waiting=3) as commits:
        futures = [commits.submit(n) for n in range(3)]
        with pytest.raises(QueueFull):
            commits.submit(3)
        gate.open.set()
        assert [future.result(10) for future in futures] == [0, 10, 20]
    one: GroupCommit[int, int] = GroupCommit(lambda items: items, GroupLimits(most_waiting=3), size=lambda _: 100)
    assert one.submit(1).result(10) == 1
    one.close()


def test_closing_commits_what_waits_and_takes_nothing_more() -> None:
    gate = Gate()
    gate.open.clear()
    with group(gate.commit, spare=0) as commits:
        futures = [commits.submit(0)]
        assert gate.entered.acquire(timeout=10)
        futures.append(commits.submit(1))
        closing = threading.Thread(target=commits.close)
        closing.start()
        gate.open.set()
        closing.join(10)
        assert [future.result(10) for future in futures] == [0, 10]
        with pytest.raises(QueueClosed):
            commits.submit(2)
