"""The outbound ledger: a letter is one row with one worker, and whose lease has ended has it no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from desk.mail.content import MailContent
from desk.mail.states import OutboundState
from storage.mail import outbound
from storage.mail.outbound import LEASE
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def put(store: Store, *keys: str, **more: object) -> None:
    letters = [
        OutboundMessage(key, "acknowledgement", "bob@x", f"{key}@d", MailContent(text=key), **more) for key in keys
    ]  # type: ignore[arg-type]
    with store.database.transaction() as session:
        outbound.store(session, letters, NOW)


def claim(store: Store, now: datetime = NOW, most: int = 50) -> list[outbound.ClaimedMessage]:
    with store.database.transaction() as session:
        return outbound.claim(session, most, now)


def test_a_letter_with_a_known_key_stays_as_it_was(any_store: Store) -> None:
    put(any_store, "a", "b", "a")
    put(any_store, "a", reason="changed")
    with any_store.database.reading() as session:
        assert outbound.totals(session) == {"queued": 2}
        row = outbound.by_external_ids(session, ["a@d"])[0]
        stored = outbound.get(session, row.id)
    assert row.content == MailContent(text="a")
    assert stored is not None and stored["reason"] == "" and stored["content"] == {"text": "a"}


def test_workers_that_claim_at_once_get_each_letter_once(any_store: Store) -> None:
    put(any_store, *(f"k{n:03}" for n in range(120)))
    start = Barrier(4)

    def work(_: int) -> list[int]:
        start.wait(10)
        mine: list[int] = []
        while found := claim(any_store, most=9):
            mine += [letter.id for letter in found]
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = [number for mine in pool.map(work, range(4)) for number in mine]
    assert len(claimed) == len(set(claimed)) == 120


def test_a_letter_comes_back_when_its_lease_ends_and_the_first_worker_has_it_no_more(any_store: Store) -> None:
    put(any_store, "a")
    (first,) = claim(any_store)
    later = NOW + LEASE + timedelta(seconds=1)
    assert claim(any_store, NOW + LEASE - timedelta(seconds=1)) == []
    (second,) = claim(any_store, later)
    assert (first.attempts, second.attempts) == (1, 2)
    with any_store.database.transaction() as session:
        assert not outbound.renew(session, first, later) and outbound.renew(session, second, later)
        outbound.mark(session, second.id, OutboundState.SENT, later)
        assert not outbound.renew(session, second, later)
    assert claim(any_store, later + timedelta(days=1)) == []


def test_a_postponed_letter_is_due_at_its_time(any_store: Store) -> None:
    put(any_store, "a")
    (letter,) = claim(any_store)
    with any_store.database.transaction() as session:
        outbound.postpone(session, letter.id, NOW + timedelta(minutes=5), "451")
        assert not outbound.is_due(session, NOW + timedelta(minutes=4))
        assert outbound.is_due(session, NOW + timedelta(minutes=5))
    assert [again.attempts for again in claim(any_store, NOW + timedelta(minutes=5))] == [2]


def test_a_suppressed_letter_never_leaves_and_counts_for_nothing(any_store: Store) -> None:
    put(any_store, "a", state=OutboundState.SUPPRESSED)
    put(any_store, "b")
    assert len(claim(any_store, NOW + timedelta(days=9))) == 1
    with any_store.database.reading() as session:
        assert outbound.recent_automatic(session, ["bob@x", "carol@x"], NOW - timedelta(hours=1)) == {"bob@x": 1}
        assert outbound.recent_automatic(session, ["bob@x"], NOW) == {}
