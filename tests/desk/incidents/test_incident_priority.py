"""An incident means that many are hit: what the matrix says of that, never less than before, and back again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from desk.incidents import priority as incident_priority
from desk.incidents.priority import Raise
from desk.priority.assess import DEFAULT_MATRIX, matrix
from desk.priority.levels import Priority
from desk.priority.reasons import PriorityReasons
from desk.priority.signals import Impact, Urgency
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind, Change, Status, Ticket

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MATRIX = matrix(DEFAULT_MATRIX)
REASON = "affects many users: 9 people in 12 minutes"


def plain(priority: Priority = Priority.MEDIUM, urgency: str = "normal", **values: object) -> Ticket:
    why = PriorityReasons("one", urgency, ("“cannot log in”",))
    made = Ticket(7, "No mail", 1, NOW, NOW, priority=priority, priority_why=why)
    return replace(made, **values)  # type: ignore[arg-type]


def last(change: Change) -> Raise:
    (event,) = change.events
    return Raise(event.data.incident, event.before, event.after, event.data.was_why)


def test_the_reason_is_in_words_and_the_earlier_ones_stay() -> None:
    change = incident_priority.raised(plain(), 3, incident_priority.affects(9, 12), MATRIX, NOW)
    (event,) = change.events
    assert (event.why, event.data.incident, event.after) == (REASON, 3, "urgent")
    assert change.ticket.priority_why.reasons == (REASON, "“cannot log in”")
    assert change.ticket.priority_why.impact == "many" and change.ticket.priority_why.urgency == "degraded"


def test_the_matrix_decides_and_nothing_is_lowered() -> None:
    own = matrix(("many = high medium medium low", "team = high medium medium low", "one = high medium low low"))
    assert incident_priority.raised(plain(urgency="blocked"), 3, REASON, own, NOW).ticket.priority is Priority.HIGH
    assert not incident_priority.raised(plain(), 3, REASON, own, NOW).events
    assert not incident_priority.raised(plain(Priority.HIGH), 3, REASON, own, NOW).events


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.RESOLVED},
        {"status": Status.CLOSED},
        {"merged_into": 3},
        {"priority_why": PriorityReasons(set_by="agent")},
    ],
)
def test_what_is_done_merged_or_an_agents_word_stays(values: dict[str, object]) -> None:
    assert not incident_priority.raised(plain(**values), 3, REASON, MATRIX, NOW).events  # type: ignore[arg-type]


def test_every_raise_can_be_taken_back_whole() -> None:
    for cells in product(("urgent", "high", "medium"), repeat=2):
        own = matrix((f"many = {cells[0]} {cells[1]} low low", "team = low low low low", "one = low low low low"))
        for urgency, before in product(Urgency, Priority):
            held = plain(before, str(urgency))
            change = incident_priority.raised(held, 3, REASON, own, NOW)
            if change.events:
                back = incident_priority.set_back(change.ticket, last(change), 3, NOW).ticket
                assert (back.priority, back.priority_why) == (held.priority, held.priority_why)
                assert own[Impact.MANY, Urgency(change.ticket.priority_why.urgency)] is change.ticket.priority


def test_what_somebody_changed_since_is_not_set_back() -> None:
    change = incident_priority.raised(plain(), 3, REASON, MATRIX, NOW)
    alice = Actor(ActorKind.AGENT, 1, "Alice")
    later = transitions.set_priority(change.ticket, Priority.HIGH, alice, NOW).ticket
    assert not incident_priority.set_back(later, last(change), 3, NOW).events
    assert not incident_priority.set_back(change.ticket, last(change), 4, NOW).events
    assert not incident_priority.set_back(change.ticket, None, 3, NOW).events


def test_a_ticket_without_a_judgement_counts_as_trouble() -> None:
    assert (
        incident_priority.raised(plain(priority_why=PriorityReasons()), 3, REASON, MATRIX, NOW).ticket.priority
        is Priority.URGENT
    )
