"""Words are kept as long as the rules say, raw mail for a shorter time, and others' blobs stay where they are."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from desk.mail.stored_file import StoredFile
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Status
from storage.open_store import Store
from storage.operations import blob_gc
from storage.tables.tickets import messages
from storage.tickets import tickets
from tests.small_desk import BILLING, BOB, CAROL, SmallDesk
from tests.usecases.privacy.test_erasure import everything
from usecases.privacy import erasure, retention
from usecases.privacy.retention import BadRule, Rule
from workers.timers import retention as nightly

WORD = "zwiebelkuchen"


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Closed: Bob's for support and Carol's for billing. Open: one more of Bob's."""
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, f"{WORD} support", f"please help with {WORD} number one"))
    desk.receive(desk.mail(CAROL, f"{WORD} billing", f"{WORD} number two is wrong", to=BILLING))
    desk.receive(desk.mail(BOB, f"{WORD} open", f"please help with {WORD} number three"))
    with any_store.database.transaction() as session:
        for number in (1, 2):
            held = tickets.get(session, number, lock=True)
            assert held
            tickets.save(session, transitions.close(held, DESK, desk.now))
    return desk


def rule(desk: SmallDesk, *made: Rule) -> None:
    with desk.store.database.transaction() as session:
        retention.set_rules(session, made)


def subjects(desk: SmallDesk) -> list[str]:
    return [ticket.subject for ticket in desk.tickets()]


def test_without_a_rule_everything_is_kept(desk: SmallDesk) -> None:
    desk.later(days=5000)
    assert retention.run_step(desk.store, desk.now) == 0
    assert subjects(desk)[0].startswith(WORD)


def test_the_first_rule_that_fits_counts_and_only_what_is_closed_long_enough_is_emptied(desk: SmallDesk) -> None:
    rule(desk, Rule(team="Billing", days=1000), Rule(days=30))
    desk.later(days=29)
    assert retention.run_step(desk.store, desk.now) == 0
    desk.later(days=2)
    assert retention.run_step(desk.store, desk.now) == 1
    assert subjects(desk) == ["(erased)", f"{WORD} billing", f"{WORD} open"]
    assert retention.run_step(desk.store, desk.now) == 0
    assert desk.kinds(1)[-1] == "erased"
    assert desk.ticket(1).status is Status.CLOSED
    left = everything(desk.store)
    assert "number one" not in left
    assert "number two" in left and "number three" in left
    with desk.store.database.reading() as session:
        assert [(one.why, one.finished) for one in erasure.receipts(session)] == [("retention: days 30", True)]


def test_raw_mail_goes_sooner_and_the_conversation_stays(desk: SmallDesk) -> None:
    rule(desk, Rule(raw_days=7))
    desk.later(days=8)
    assert retention.run_step(desk.store, desk.now) == 3
    assert retention.run_step(desk.store, desk.now) == 0
    assert all(not message.raw for number in (1, 2, 3) for message in desk.messages(number))
    assert "number three" in desk.messages(3)[0].text


def test_a_worker_does_it_at_night(desk: SmallDesk) -> None:
    rule(desk, Rule(days=30))
    desk.later(days=40)
    desk.now = desk.now.replace(hour=14)
    with desk.store.database.transaction() as session:
        assert not nightly.is_due(session, desk.now, "UTC")
        desk.now = desk.now.replace(hour=3)
        assert nightly.is_due(session, desk.now, "UTC")
    assert nightly.drain(desk.context) == 2
    with desk.store.database.transaction() as session:
        assert not nightly.is_due(session, desk.now, "UTC"), "once a night"
    assert nightly.drain(desk.context) == 0


def test_bad_rules_are_refused(desk: SmallDesk) -> None:
    for bad in (Rule(), Rule(days=-1), Rule(team="Nobody", days=3)):
        with pytest.raises(BadRule):
            rule(desk, bad)


def test_a_blob_that_somebody_stores_again_meanwhile_is_there_afterwards(any_store: Store) -> None:
    """Sweeping and storing the same content at once: whoever commits finds their content."""
    desk, content = SmallDesk(any_store), b"the same large file " * 10_000
    with any_store.database.transaction() as session:
        name = any_store.blobs.put(session, content, desk.now)
    stop = threading.Event()

    def sweeping() -> None:
        while not stop.is_set():
            blob_gc.sweep(any_store, [name])

    thread = threading.Thread(target=sweeping)
    thread.start()
    try:
        for number in range(15):
            desk.receive(desk.mail(BOB, f"number {number}", "x"))
            with any_store.database.transaction() as session:
                any_store.blobs.put(session, content, desk.now)
                held = tickets.messages_of(session, number + 1)[0]
                file = StoredFile("a", "x/y", 1, name)
                tickets.add_message(session, replace(held, attachments=(file,), id=0))
            with any_store.database.reading() as session:
                assert any_store.blobs.get(session, name) == content
            with any_store.database.transaction() as session:
                session.execute(sa.update(messages).values(attachments=[]))
    finally:
        stop.set()
        thread.join()
