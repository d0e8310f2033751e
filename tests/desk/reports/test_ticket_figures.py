"""A ticket's figures: what counts as a response."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desk.reports.ticket_figures import Facts, facts
from desk.tickets.event_data import NonDelivery
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Event, Ticket

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ALICE, KIM = Actor(ActorKind.AGENT, 1, "Alice"), Actor(ActorKind.REQUESTER, 2, "Kim")
HOUR = timedelta(hours=1)


def figures(*events: Event) -> Facts:
    ticket = Ticket(1, "Help", 2, MONDAY, MONDAY)
    row = facts(ticket, [Event(1, MONDAY, EventKind.OPENED, KIM, after="new"), *events])
    assert row is not None
    return row


def replied(hours: int, message_id: int) -> Event:
    return Event(1, MONDAY + hours * HOUR, EventKind.REPLIED, ALICE, message_id=message_id)


def asked(hours: int) -> Event:
    return Event(1, MONDAY + hours * HOUR, EventKind.REQUESTER_REPLIED, KIM)


def failed(hours: int, reply: int, kind: EventKind) -> Event:
    return Event(1, MONDAY + hours * HOUR, kind, DESK, data=NonDelivery(flagged=True, reply=reply))


KINDS = pytest.mark.parametrize("kind", [EventKind.UNDELIVERABLE, EventKind.DELIVERY_FAILED])


@KINDS
def test_an_answer_that_was_not_delivered_is_no_first_response(kind: EventKind) -> None:
    assert figures(replied(1, 7), failed(2, 7, kind)).first_response_seconds is None
    assert figures(replied(1, 7), failed(2, 7, kind), replied(5, 8)).first_response_seconds == 5 * 3600
    assert figures(replied(1, 7), failed(2, 6, kind)).first_response_seconds == 3600


@KINDS
def test_an_answer_that_was_not_delivered_is_no_next_response(kind: EventKind) -> None:
    begin = (replied(1, 7), asked(2), replied(3, 8))
    assert figures(*begin).next_response_seconds == 3600
    assert figures(*begin, failed(4, 8, kind)).next_response_seconds is None
    whole = figures(*begin, failed(4, 8, kind), replied(6, 9))
    assert (whole.first_response_seconds, whole.next_response_seconds) == (3600, 4 * 3600)
