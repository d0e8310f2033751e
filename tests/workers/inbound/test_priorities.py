"""Priority and courtesy on the way of a mail: set when it opens, raised by a later one, kept where an agent decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind, Change, Status
from desk.tickets.transitions import NOT_REOPENED
from storage.learning import priority_overrides
from storage.open_store import Store
from storage.people import people
from storage.tickets import tickets
from tests.small_desk import BOB, SmallDesk


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    return SmallDesk(any_store)


def _opened(desk: SmallDesk, subject: str, text: str) -> None:
    desk.receive(desk.mail(BOB, subject, text, message_id="first@x"))


def _answer(desk: SmallDesk, text: str) -> None:
    desk.later(minutes=5)
    desk.receive(desk.mail(BOB, "Re: it", text, reply_to="first@x"))


def _agent(desk: SmallDesk) -> Actor:
    return Actor(ActorKind.AGENT, desk.alice.id, desk.alice.name)


def _set(desk: SmallDesk, priority: Priority) -> None:
    with desk.store.database.transaction() as session:
        tickets.save(session, transitions.set_priority(desk.ticket(1), priority, _agent(desk), desk.now))


def _resolve(desk: SmallDesk, status: Status = Status.RESOLVED) -> None:
    with desk.store.database.transaction() as session:
        ticket = desk.ticket(1)
        tickets.save(session, transitions.set_status(ticket, status, _agent(desk), desk.now))


def test_a_new_ticket_has_its_priority_and_the_words_that_made_it(desk: SmallDesk) -> None:
    _opened(desk, "Login", "Nobody can log in since this morning.")
    ticket = desk.ticket(1)
    assert ticket.priority is Priority.URGENT
    assert ticket.priority_why.impact == "many"
    assert ticket.priority_why.reasons == ("'Nobody can log in': affects many users",)
    assert desk.events(1)[0].data.priority == "urgent"


def test_what_a_mail_quotes_makes_nothing_urgent(desk: SmallDesk) -> None:
    _opened(desk, "Order", "Please send me a chair.\n\nOn 1 Nov 2026 Jo wrote:\n> Nobody can log in.\n")
    assert desk.ticket(1).priority is Priority.MEDIUM


def test_a_machine_proves_no_urgency(desk: SmallDesk) -> None:
    headers = [("Auto-Submitted", "auto-generated")]
    desk.receive(desk.mail(BOB, "Alarm", "Nobody can log in.", headers=headers))
    assert [ticket.priority for ticket in desk.tickets()] in ([], [Priority.MEDIUM])


def test_a_vip_is_one_step_higher(desk: SmallDesk) -> None:
    _opened(desk, "Chair", "Please order a chair.")
    with desk.store.database.transaction() as session:
        people.set_vip(session, desk.ticket(1).requester_id, vip=True)
    desk.receive(desk.mail(BOB, "Desk", "Please order a desk."))
    assert [ticket.priority for ticket in desk.tickets()] == [Priority.MEDIUM, Priority.HIGH]


def test_a_later_message_raises_it_and_says_why(desk: SmallDesk) -> None:
    _opened(desk, "Login", "The login page is slow.")
    _answer(desk, "Now nobody can log in.")
    assert desk.ticket(1).priority is Priority.URGENT
    assert "nobody can log in" in desk.events(1)[-1].why
    _answer(desk, "By the way, there is a typo on it.")
    assert desk.ticket(1).priority is Priority.URGENT


def test_what_an_agent_decided_stays(desk: SmallDesk) -> None:
    _opened(desk, "Login", "The login page is slow.")
    _set(desk, Priority.LOW)
    _answer(desk, "Now nobody can log in.")
    assert desk.ticket(1).priority is Priority.LOW


def test_what_agents_made_of_it_is_counted(desk: SmallDesk) -> None:
    _opened(desk, "Login", "The login page is slow.")
    for priority in (Priority.LOW, Priority.HIGH):
        _set(desk, priority)
    with desk.store.database.reading() as session:
        assert priority_overrides.priority_changes(session, desk.now) == [("medium", "high", 1)]
        assert priority_overrides.priority_changes(session, desk.now + timedelta(days=1)) == []


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_a_thanks_does_not_reopen(desk: SmallDesk, status: Status) -> None:
    _opened(desk, "Login", "I cannot log in.")
    _resolve(desk, status)
    _answer(desk, "Works now, thank you!")
    assert desk.ticket(1).status is status
    assert desk.events(1)[-1].why == NOT_REOPENED
    assert len(desk.messages(1)) == 2
    _answer(desk, "Thanks, but it still fails.")
    assert desk.ticket(1).status is Status.OPEN


def test_on_a_waiting_ticket_only_a_bare_thanks_leaves_it_waiting(desk: SmallDesk) -> None:
    _opened(desk, "Login", "I cannot log in.")
    _resolve(desk, Status.PENDING)
    _answer(desk, "Thank you!")
    assert desk.ticket(1).status is Status.PENDING
    _answer(desk, "Yes, perfect.")
    assert desk.ticket(1).status is Status.OPEN


def test_a_late_thanks_opens_no_ticket(desk: SmallDesk) -> None:
    _opened(desk, "Login", "I cannot log in.")
    _resolve(desk, Status.CLOSED)
    desk.later(days=40)
    _answer(desk, "Thank you!")
    assert len(desk.tickets()) == 1
    assert desk.ticket(1).status is Status.CLOSED


def test_nothing_is_said_where_nothing_changes(desk: SmallDesk) -> None:
    _opened(desk, "Chair", "Please order a chair.")
    ticket = replace(desk.ticket(1), priority=Priority.MEDIUM)
    assert transitions.set_priority(ticket, Priority.MEDIUM, _agent(desk), desk.now) == Change(ticket)
