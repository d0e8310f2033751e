"""Undo and history: whatever was done in whatever order, the history tells the ticket, and undo gives back what was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from desk.mail.thanks import Courtesy
from desk.priority.levels import Priority
from desk.priority.reasons import PriorityReasons
from desk.tickets import history, properties, transitions, undo
from desk.tickets.ticket import DONE, MOVES, Actor, ActorKind, Change, Event, NotAllowed, Status, Ticket
from desk.tickets.undo import Names

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ALICE = Actor(ActorKind.AGENT, 2, "Alice")
BOB = Actor(ActorKind.REQUESTER, 1, "Bob")
NEW = Ticket(
    1,
    "s",
    1,
    NOW,
    NOW,
    category="a",
    team_id=7,
    priority=Priority.HIGH,
    priority_why=PriorityReasons(reasons=("it said so",)),
)
NAMES = Names({2: "Alice", 3: "Max"}, {7: "Support", 8: "Billing"})
SAME = {"updated_at", "version", "priority_why", "unroutable_at"}


def numbered(events: tuple[Event, ...] | list[Event]) -> list[tuple[int, Event]]:
    return [(place * 10 + 5, event) for place, event in enumerate(events)]


def fields_of(ticket: Ticket) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in history.TOLD}


class Desk(RuleBasedStateMachine):
    """One ticket, to which everything happens."""

    def __init__(self) -> None:
        super().__init__()
        self.ticket, self.now = NEW, NOW
        self.events = list(transitions.opened(NEW, BOB, "email").events)

    def happens(self, change: Change) -> None:
        self._along_the_table(change)
        self.ticket, self.events = change.ticket, [*self.events, *change.events]

    def tried(self, make: Any) -> None:
        self.now += timedelta(hours=1)
        try:
            change = make(self.ticket)
        except NotAllowed:
            return
        self.happens(change)

    @rule(status=st.sampled_from(Status))
    def moves(self, status: Status) -> None:
        self.tried(lambda t: transitions.set_status(t, status, ALICE, self.now))

    @rule(who=st.sampled_from([None, 2, 3]))
    def is_assigned(self, who: int | None) -> None:
        self.tried(lambda t: transitions.assign(t, who, NAMES.agents.get(who or 0, ""), ALICE, self.now))

    @rule(team=st.sampled_from([7, 8]))
    def changes_team(self, team: int) -> None:
        self.tried(lambda t: transitions.to_team(t, team, NAMES.teams[team], ALICE, self.now))

    @rule(priority=st.sampled_from(Priority))
    def changes_priority(self, priority: Priority) -> None:
        self.tried(lambda t: transitions.set_priority(t, priority, ALICE, self.now))

    @rule(category=st.sampled_from([None, "a", "b"]))
    def changes_category(self, category: str | None) -> None:
        self.tried(lambda t: transitions.set_category(t, category, ALICE, self.now))

    @rule(tags=st.lists(st.sampled_from("abc"), max_size=3))
    def is_tagged(self, tags: list[str]) -> None:
        self.tried(lambda t: transitions.tag(t, tuple(tags), ALICE, self.now))

    @rule(tags=st.lists(st.sampled_from("abc"), max_size=3))
    def is_untagged(self, tags: list[str]) -> None:
        self.tried(lambda t: properties.untag(t, tuple(tags), ALICE, self.now))

    @rule(name=st.sampled_from(["x", "y"]), value=st.sampled_from([None, "1", 2, True]))
    def gets_a_field(self, name: str, value: Any) -> None:
        self.tried(lambda t: properties.set_field(t, name, value, ALICE, self.now))

    @rule(parent=st.sampled_from([None, 50, 51]))
    def gets_a_parent(self, parent: int | None) -> None:
        other = Ticket(parent, "p", 1, NOW, NOW) if parent else None
        self.tried(lambda t: properties.set_parent(t, other, ALICE, self.now))

    @rule(hours=st.sampled_from([0, 1, 5, 500]))
    def sleeps(self, hours: int) -> None:
        self.tried(lambda t: properties.snooze(t, self.now + timedelta(hours=hours), ALICE, self.now))

    @rule()
    def wakes(self) -> None:
        self.tried(lambda t: properties.wake(t, ALICE, self.now))

    @rule(text=st.sampled_from(["", "restarted", "replaced"]))
    def gets_a_resolution(self, text: str) -> None:
        self.tried(lambda t: properties.set_resolution(t, text, ALICE, self.now))

    @rule(courtesy=st.sampled_from(Courtesy))
    def hears_of_the_requester(self, courtesy: Courtesy) -> None:
        self.tried(lambda t: transitions.receive(t, BOB, self.now, None, courtesy))

    @rule()
    def is_answered(self) -> None:
        self.tried(lambda t: transitions.reply(t, ALICE, self.now))

    @rule()
    def is_reminded_of(self) -> None:
        self.tried(lambda t: properties.remind(t, self.now, "silence"))

    @rule(data=st.data())
    @precondition(lambda self: undo.possible(self.ticket, numbered(self.events)))
    def something_is_undone(self, data: st.DataObject) -> None:
        known = numbered(self.events)
        self.tried(
            lambda t: undo.undo(t, known, data.draw(st.sampled_from(undo.possible(t, known))), ALICE, self.now, NAMES)
        )

    @rule()
    @precondition(lambda self: undo.possible(self.ticket, numbered(self.events)))
    def the_last_step_is_undone_and_all_is_as_it_was(self) -> None:
        known = numbered(self.events)
        number = undo.newest(self.ticket, known)
        place = next(place for place, (one, _) in enumerate(known) if one == number)
        if any(event.at != known[place][1].at for _, event in known[place:]):
            return  # something happened since that is no step of an agent: a message, or an undo.
        before = history.replay(history.beginning(NEW, self.events), self.events[:place])
        self.tried(lambda t: undo.undo(t, known, number, ALICE, known[place][1].at, NAMES))
        rest = [event for _, event in known[place:] if event.kind in ("replied", "requester_replied", "reminded")]
        expected = fields_of(history.replay(before, rest))
        if self.ticket.snoozed_until is None and (expected["snoozed_until"] or self.now) <= known[place][1].at:
            expected["snoozed_until"] = None  # it would have woken by now.
        got = fields_of(self.ticket)
        if not rest and self.events[-1].data.undid:
            assert got == expected

    def _along_the_table(self, change: Change) -> None:
        status = self.ticket.status
        for event in change.events:
            if event.kind in ("status_changed", "reopened"):
                assert event.before == status
                move = (status, Status(event.after))
                assert move[1] in MOVES[move[0]] or (event.data.undid and move[0] in MOVES[move[1]])
                status = move[1]
        assert status is change.ticket.status

    @invariant()
    def the_history_tells_the_ticket(self) -> None:
        assert fields_of(history.replay(history.beginning(self.ticket, self.events), self.events)) == fields_of(
            self.ticket
        )

    @invariant()
    def the_record_makes_sense(self) -> None:
        ticket = self.ticket
        assert (ticket.closed_at is not None) == (ticket.status is Status.CLOSED)
        assert (ticket.resolved_at is not None) <= (ticket.status in DONE)
        assert len(set(ticket.tags)) == len(ticket.tags)


Desk.TestCase.settings = settings(stateful_step_count=25)
TestAnyOrder = Desk.TestCase


def step(ticket: Ticket, *makes: Any) -> tuple[Ticket, list[Event]]:
    events = list(transitions.opened(ticket, BOB, "email").events)
    for number, make in enumerate(makes):
        change = make(ticket, NOW + timedelta(minutes=number + 1))
        ticket, events = change.ticket, [*events, *change.events]
    return ticket, events


def test_a_new_team_and_the_owner_that_it_cost_are_given_back_together() -> None:
    ticket, events = step(
        NEW,
        lambda t, at: transitions.assign(t, 2, "Alice", ALICE, at),
        lambda t, at: transitions.to_team(t, 8, "Billing", ALICE, at),
    )
    known = numbered(events)
    change = undo.undo(ticket, known, undo.newest(ticket, known), ALICE, NOW + timedelta(hours=1), NAMES)
    assert (change.ticket.team_id, change.ticket.assignee_id, change.ticket.status) == (7, 2, Status.OPEN)
    assert [(e.kind, e.after) for e in change.events] == [("assigned", "Alice"), ("team_changed", "Support")]


def test_what_was_changed_again_later_is_not_undone_before_that() -> None:
    ticket, events = step(
        NEW,
        lambda t, at: transitions.set_priority(t, Priority.LOW, ALICE, at),
        lambda t, at: transitions.set_priority(t, Priority.URGENT, Actor(ActorKind.AGENT, 3, "Max"), at),
    )
    known = numbered(events)
    with pytest.raises(NotAllowed, match="priority was changed again later, by Max"):
        undo.undo(ticket, known, 15, ALICE, NOW, NAMES)
    first = undo.undo(ticket, known, 25, ALICE, NOW + timedelta(hours=1), NAMES)
    again = numbered([*events, *first.events])
    second = undo.undo(first.ticket, again, 15, ALICE, NOW + timedelta(hours=2), NAMES)
    assert (second.ticket.priority, second.ticket.priority_why) == (Priority.HIGH, NEW.priority_why)
    with pytest.raises(NotAllowed, match="undone already"):
        undo.undo(first.ticket, again, 25, ALICE, NOW, NAMES)
    with pytest.raises(NotAllowed, match="was an undo"):
        undo.undo(first.ticket, again, 35, ALICE, NOW, NAMES)


def test_an_undone_close_is_resolved_again_since_when_it_was() -> None:
    ticket, events = step(
        NEW, lambda t, at: transitions.resolve(t, ALICE, at), lambda t, at: transitions.close(t, ALICE, at)
    )
    change = undo.undo(ticket, numbered(events), 25, ALICE, NOW + timedelta(days=1), NAMES)
    assert (change.ticket.status, change.ticket.resolved_at) == (Status.RESOLVED, NOW + timedelta(minutes=1))
    assert change.ticket.closed_at is None


def test_nothing_is_given_back_to_who_is_gone() -> None:
    ticket, events = step(
        NEW,
        lambda t, at: transitions.assign(t, 3, "Max", ALICE, at),
        lambda t, at: transitions.assign(t, 2, "Alice", ALICE, at),
    )
    with pytest.raises(NotAllowed, match="not there any more"):
        undo.undo(ticket, numbered(events), undo.newest(ticket, numbered(events)), ALICE, NOW, Names({2: "Alice"}))


def test_a_sleep_whose_time_has_passed_is_not_slept_again() -> None:
    ticket, events = step(
        NEW,
        lambda t, at: properties.snooze(t, at + timedelta(hours=1), ALICE, at),
        lambda t, at: properties.wake(t, ALICE, at),
    )
    with pytest.raises(NotAllowed, match="has passed"):
        undo.undo(ticket, numbered(events), 25, ALICE, NOW + timedelta(days=1), NAMES)
    change = undo.undo(ticket, numbered(events), 25, ALICE, NOW + timedelta(minutes=5), NAMES)
    assert change.ticket.snoozed_until == NOW + timedelta(hours=1, minutes=1)


def test_messages_and_notes_cannot_be_undone() -> None:
    ticket, events = step(NEW, lambda t, at: transitions.note(t, ALICE, at))
    assert undo.possible(ticket, numbered(events)) == ()
    with pytest.raises(NotAllowed, match="noted"):
        undo.undo(ticket, numbered(events), 15, ALICE, NOW, NAMES)
    with pytest.raises(NotAllowed, match="nothing to undo"):
        undo.newest(ticket, numbered(events))
    with pytest.raises(NotAllowed, match="not in this"):
        undo.undo(replace(ticket), numbered(events), 99, ALICE, NOW, NAMES)
