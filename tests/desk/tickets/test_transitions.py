"""The lifecycle: whatever verbs come in whatever order, a ticket moves along MOVES and every change has its event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.event_data import Transfer
from desk.tickets.ticket import MOVES, Actor, ActorKind, Change, NotAllowed, Status, Ticket

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ALICE = Actor(ActorKind.AGENT, 2, "Alice")
BOB = Actor(ActorKind.REQUESTER, 1, "Bob")
NEW = Ticket(1, "s", 1, NOW, NOW)
Verb = Callable[[Ticket, datetime], Change]

EXPLAINS = {
    "status": {"status_changed", "reopened"},
    "resolved_at": {"status_changed", "reopened"},
    "closed_at": {"status_changed", "reopened"},
    "assignee_id": {"assigned"},
    "team_id": {"team_changed"},
    "priority": {"priority_changed"},
    "priority_why": {"priority_changed"},
    "category": {"category_changed"},
    "tags": {"tagged"},
    "first_response_at": {"replied"},
    "merged_into": {"merged_into"},
}
"""Which kinds of event say that a field has changed."""

some_verbs: st.SearchStrategy[Verb] = st.one_of(
    st.just(lambda t, at: transitions.receive(t, BOB, at)),
    st.just(lambda t, at: transitions.keep_automatic(t, at, "why")),
    st.just(lambda t, at: transitions.reply(t, ALICE, at)),
    st.just(lambda t, at: transitions.note(t, ALICE, at)),
    st.just(lambda t, at: transitions.set_status(t, Status.ON_HOLD, ALICE, at)),
    st.just(lambda t, at: transitions.resolve(t, ALICE, at)),
    st.just(lambda t, at: transitions.close(t, ALICE, at)),
    st.just(lambda t, at: transitions.reopen(t, ALICE, at)),
    st.just(lambda t, at: transitions.merge(t, Ticket(9, "o", 1, NOW, NOW), ALICE, at)[0]),
    st.sampled_from([None, 2, 3]).map(lambda who: lambda t, at: transitions.assign(t, who, "X", ALICE, at)),
    st.sampled_from([1, 2]).map(lambda team: lambda t, at: transitions.to_team(t, team, "T", ALICE, at)),
    st.sampled_from(Status).map(lambda status: lambda t, at: transitions.set_status(t, status, ALICE, at)),
    st.sampled_from(Priority).map(lambda priority: lambda t, at: transitions.set_priority(t, priority, ALICE, at)),
    st.sampled_from([None, "a"]).map(lambda name: lambda t, at: transitions.set_category(t, name, ALICE, at)),
    st.lists(st.sampled_from("abc"), max_size=3).map(
        lambda tags: lambda t, at: transitions.tag(t, tuple(tags), ALICE, at)
    ),
)


@given(st.lists(some_verbs, max_size=25))
def test_any_verbs_in_any_order_move_along_the_table_and_leave_their_events(steps: list[Verb]) -> None:
    ticket = NEW
    for number, verb in enumerate(steps):
        at = NOW + timedelta(minutes=number + 1)
        try:
            change = verb(ticket, at)
        except NotAllowed:
            continue
        _explained(ticket, change, at)
        _moved_along_the_table(ticket, change)
        ticket = change.ticket
        assert (ticket.closed_at is not None) == (ticket.status is Status.CLOSED)
        assert len(set(ticket.tags)) == len(ticket.tags)


def _explained(before: Ticket, change: Change, at: datetime) -> None:
    kinds = {event.kind for event in change.events}
    changed = {f.name for f in fields(Ticket) if getattr(before, f.name) != getattr(change.ticket, f.name)}
    for name in changed - {"updated_at"}:
        assert kinds & EXPLAINS[name], f"{name} changed and only {kinds} was said"
    assert change.events or not changed
    assert all(event.at == at and event.ticket_id == before.id for event in change.events)


def _moved_along_the_table(before: Ticket, change: Change) -> None:
    status = before.status
    for event in change.events:
        if event.kind in ("status_changed", "reopened"):
            assert event.before == status and Status(event.after) in MOVES[status]
            status = Status(event.after)
    assert status is change.ticket.status


def test_every_status_can_be_left_and_new_is_never_entered() -> None:
    assert set(MOVES) == set(Status) and all(MOVES.values())
    assert all(Status.NEW not in targets and status not in targets for status, targets in MOVES.items())


@pytest.mark.parametrize("status", [Status.PENDING, Status.RESOLVED, Status.CLOSED])
def test_the_requesters_word_reopens_what_waited_or_was_finished(status: Status) -> None:
    ticket = transitions.set_status(NEW, status, ALICE, NOW).ticket
    assert transitions.receive(ticket, BOB, NOW).ticket.status is Status.OPEN


def test_another_team_takes_the_ticket_from_its_owner_and_says_so() -> None:
    ticket = transitions.assign(NEW, 2, "Alice", ALICE, NOW).ticket
    change = transitions.to_team(ticket, 5, "Billing", ALICE, NOW)
    assert change.ticket.assignee_id is None and [e.kind for e in change.events] == ["team_changed", "assigned"]
    assert change.events[1].data == Transfer(from_id=2, to_id=None)


def test_the_first_reply_owns_the_ticket_and_is_remembered_as_the_first() -> None:
    first = transitions.reply(NEW, ALICE, NOW).ticket
    second = transitions.reply(first, Actor(ActorKind.AGENT, 3, "Max"), NOW + timedelta(hours=1)).ticket
    assert (second.assignee_id, second.first_response_at, second.status) == (2, NOW, Status.PENDING)


def test_a_merged_ticket_does_not_move_any_more() -> None:
    gone, kept = transitions.merge(NEW, Ticket(9, "o", 1, NOW, NOW), ALICE, NOW)
    assert gone.ticket.status is Status.CLOSED and gone.ticket.merged_into == 9
    assert [e.kind for e in kept.events] == ["merged_from"]
    with pytest.raises(NotAllowed, match="merged into #9"):
        transitions.reopen(gone.ticket, ALICE, NOW)
    with pytest.raises(NotAllowed, match="already"):
        transitions.merge(gone.ticket, kept.ticket, ALICE, NOW)
    with pytest.raises(NotAllowed, match="itself"):
        transitions.merge(NEW, NEW, ALICE, NOW)


def test_what_is_so_already_is_no_change() -> None:
    assert transitions.set_status(NEW, Status.NEW, ALICE, NOW).events == ()
    assert (
        transitions.assign(NEW, None, "", ALICE, NOW).events == () and transitions.tag(NEW, (), ALICE, NOW).events == ()
    )
    assert transitions.set_priority(NEW, Priority.MEDIUM, ALICE, NOW).events == ()
