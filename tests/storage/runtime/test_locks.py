"""A lease has one holder at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from storage.open_store import Store
from storage.runtime import locks

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LENGTH = timedelta(seconds=10)


def take(store: Store, holder: str, now: datetime = NOW) -> bool:
    with store.database.transaction() as session:
        return locks.acquire(session, "clock", holder, now, LENGTH)


def test_of_many_who_take_it_at_once_one_has_it(any_store: Store) -> None:
    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(lambda n: take(any_store, f"h{n}"), range(20))) == 1


def test_it_is_renewed_by_its_holder_and_taken_over_when_it_ended(any_store: Store) -> None:
    assert take(any_store, "a") and take(any_store, "a", NOW + LENGTH) and not take(any_store, "b", NOW + LENGTH)
    ended = NOW + 2 * LENGTH + timedelta(seconds=1)
    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(lambda n: take(any_store, f"h{n}", ended), range(20))) == 1
    assert not take(any_store, "a", ended)


def test_only_its_holder_gives_it_back(any_store: Store) -> None:
    take(any_store, "a")
    for holder, free in (("b", False), ("a", True)):
        with any_store.database.transaction() as session:
            locks.release(session, "clock", holder)
            assert (locks.expires_at(session, "clock") is None) is free
    assert take(any_store, "b")
