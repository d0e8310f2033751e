"""Tickets that wait are moved on by the clock: woken, reminded of, resolved, closed; each with its rule's name."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from desk.tickets import properties, transitions
from desk.tickets.lifecycle import BadLifecycle, Lifecycle, read
from desk.tickets.ticket import Actor, ActorKind, Status
from storage.tables.tickets import people as people_table
from storage.tickets import lifecycle, tickets
from tests.small_desk import ALICE, BOB, SmallDesk, words
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.timers import lifecycle as workers_lifecycle

PATIENT = Lifecycle(remind_days=3, resolve_days=7, close_days=5)


def rules(desk: SmallDesk, wanted: Lifecycle) -> None:
    with desk.store.database.transaction() as session:
        lifecycle.set_rules(session, wanted)
    desk.context._configuration = None


def alice(desk: SmallDesk) -> Actor:
    return Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")


def answered(desk: SmallDesk) -> int:
    """A ticket that waits for its requester."""
    desk.receive(desk.mail(BOB, "Printer", "It is broken."))
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        conversation.reply(session, ticket, Written(alice(desk), "Which printer?", desk.now, via="console"))
    desk.work()
    return 1


def sweep(desk: SmallDesk) -> int:
    moved = workers_lifecycle.drain(desk.context)
    desk.work()
    return moved


def snooze(desk: SmallDesk, **time: float) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        tickets.save(session, properties.snooze(ticket, desk.now + timedelta(**time), alice(desk), desk.now))


def test_silence_is_reminded_of_once_and_then_resolves(any_desk: SmallDesk) -> None:
    desk = any_desk
    rules(desk, PATIENT)
    number = answered(desk)
    desk.later(days=2, hours=23)
    assert sweep(desk) == 0
    desk.later(hours=2)
    assert (sweep(desk), sweep(desk)) == (1, 0)
    (mail,) = desk.sent("reminder", BOB)
    assert "in 4 days" in words(mail) and mail["Auto-Submitted"] and mail["In-Reply-To"]
    desk.later(days=3, hours=23)
    assert sweep(desk) == 0 and desk.ticket(number).status is Status.PENDING
    desk.later(hours=2)
    assert (sweep(desk), sweep(desk)) == (1, 0)
    assert desk.ticket(number).status is Status.RESOLVED and len(desk.letters("reminder")) == 1
    assert desk.events(number)[-1].why == "auto-resolve: no answer for 7 days"
    desk.later(days=5, minutes=1)
    assert sweep(desk) == 1 and desk.ticket(number).status is Status.CLOSED
    assert desk.events(number)[-1].why == "auto-close: resolved for 5 days"


def test_the_reminder_speaks_the_requesters_language(desk: SmallDesk) -> None:
    rules(desk, PATIENT)
    answered(desk)
    with desk.store.database.transaction() as session:
        session.execute(sa.update(people_table).where(people_table.c.address == BOB).values(language="de-AT"))
    desk.later(days=4)
    sweep(desk)
    said = words(desk.sent("reminder", BOB)[0])
    assert "Ticket #1 etwas gefragt" in said and "in 4 Tagen als gelöst" in said


def test_an_answer_to_the_reminder_cancels_what_it_announced(desk: SmallDesk) -> None:
    rules(desk, PATIENT)
    number = answered(desk)
    desk.later(days=4)
    sweep(desk)
    reminder = desk.sent("reminder", BOB)[0]
    desk.receive(
        desk.mail(BOB, f"Re: {reminder['Subject']}", "The blue one.", reply_to=reminder["Message-ID"].strip("<>"))
    )
    assert desk.ticket(number).status is Status.OPEN and desk.ticket(number).reminded_at is None
    desk.later(days=20)
    assert sweep(desk) == 0 and desk.ticket(number).status is Status.OPEN


def test_as_shipped_nothing_is_resolved_by_silence_and_what_is_resolved_closes_after_a_week(desk: SmallDesk) -> None:
    number = answered(desk)
    desk.later(days=300)
    assert sweep(desk) == 0
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.resolve(ticket, alice(desk), desk.now))
    desk.later(days=6, hours=23)
    assert sweep(desk) == 0
    desk.later(hours=2)
    assert sweep(desk) == 1 and desk.ticket(number).status is Status.CLOSED


def test_nobody_is_reminded_where_nobody_reads(desk: SmallDesk) -> None:
    rules(desk, PATIENT)
    desk.receive(desk.mail("no-reply@shop.example.test", "Your order", "It is late."))
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        conversation.reply(session, ticket, Written(alice(desk), "Which order?", desk.now, via="console"))
    desk.later(days=4)
    assert sweep(desk) == 1 and desk.letters("reminder") == []


def test_a_snoozed_ticket_wakes_at_its_time_and_its_owner_hears_of_it(any_desk: SmallDesk) -> None:
    desk = any_desk
    number = answered(desk)
    snooze(desk, hours=3)
    desk.later(hours=2, minutes=59)
    assert sweep(desk) == 0
    desk.later(minutes=1)
    assert (sweep(desk), sweep(desk)) == (1, 0)
    assert desk.ticket(number).snoozed_until is None
    assert desk.events(number)[-1].why == "snooze: the time has come"
    assert "put aside is back" in words(desk.sent("notice", ALICE)[-1])


def test_the_requesters_word_wakes_and_so_does_an_end(desk: SmallDesk) -> None:
    number = answered(desk)
    snooze(desk, days=30)
    desk.receive(desk.mail(BOB, "Re: Printer", "The blue one.", reply_to="m1@mail.example.test"))
    assert desk.ticket(number).snoozed_until is None
    assert desk.kinds(number)[-3:] == ["requester_replied", "woken", "status_changed"]
    snooze(desk, days=30)
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.resolve(ticket, alice(desk), desk.now))
    assert desk.ticket(number).snoozed_until is None


def test_the_window_in_which_a_closed_ticket_reopens_is_the_desks(desk: SmallDesk) -> None:
    rules(desk, Lifecycle(reopen_days=2))
    number = answered(desk)
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.close(ticket, alice(desk), desk.now))
    desk.later(days=3)
    desk.receive(desk.mail(BOB, "Re: Printer", "It is broken again.", reply_to="m1@mail.example.test"))
    assert [t.id for t in desk.tickets()] == [1, 2] and desk.ticket(1).status is Status.CLOSED


@pytest.mark.parametrize(
    "wrong",
    [
        {"close_days": -1},
        {"closing": 3},
        {"remind_days": 3},
        {"remind_days": 7, "resolve_days": 7},
        {"close_days": True},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadLifecycle):
        read(wrong)
