"""One key, one content, one row; however many come with it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from storage.mail import inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store
from storage.runtime import idempotency
from storage.runtime.idempotency import KeyReused

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def call(store: Store, content: str, key: str = "k") -> int:
    with store.database.transaction() as session:
        known = idempotency.begin(session, key, content, NOW)
        if known is not None:
            return known
        number = inbound.store_one(session, Arrival("api", "s", key, content, NOW))
        idempotency.finish(session, key, number)
        return number


def test_twenty_calls_at_once_are_one_request(any_store: Store) -> None:
    with ThreadPoolExecutor(20) as pool:
        numbers = set(pool.map(lambda _: call(any_store, "a"), range(20)))
    with any_store.database.reading() as session:
        totals = inbound.totals(session, NOW)
    assert len(numbers) == 1 and (totals.accepted, totals.repeats) == (1, 0)


def test_of_calls_with_different_bodies_one_content_wins(any_store: Store) -> None:
    def outcome(number: int) -> str:
        try:
            return str(call(any_store, f"content {number % 2}"))
        except KeyReused:
            return "refused"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(outcome, range(20)))
    assert outcomes.count("refused") == 10 and len(set(outcomes)) == 2


def test_a_call_that_failed_leaves_the_key_free(any_store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), any_store.database.transaction() as session:
        assert idempotency.begin(session, "k", "a", NOW) is None
        raise KeyboardInterrupt
    assert call(any_store, "b") == call(any_store, "b")
