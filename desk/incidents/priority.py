"""What an incident makes of its tickets' priority: impact "many", judged by the desk's own matrix, and taken back.

It takes a ticket, how many people are hit, the matrix, and returns a change with the reason in words, or none: a
ticket is never lowered, and what an agent set stays. It knows nothing of why there is an incident.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from desk.priority.assess import Judgement, Matrix
from desk.priority.levels import Priority
from desk.priority.reasons import NO_REASONS, PriorityReasons
from desk.priority.signals import Impact, Urgency
from desk.tickets import raise_priority
from desk.tickets.ticket import DESK, Change, Status, Ticket
from desk.tickets.transitions import set_priority

_LEAST = Urgency.DEGRADED
"""Many people who write about one thing within minutes have trouble, however politely each of them puts it."""


@dataclass(frozen=True, slots=True)
class Raise:
    """The last change of a ticket's priority: by which incident (if one did it), from what and why, to what."""

    incident: int | None
    before: str
    after: str
    was_why: PriorityReasons = NO_REASONS


def affects(people: int, minutes: int) -> str:
    """The reason in words."""
    return f"affects many users: {people} people in {minutes} minutes"


def raised(ticket: Ticket, number: int, reason: str, by: Matrix, at: datetime) -> Change:
    """The ticket as a member of that incident; what is done, merged, or as urgent already stays as it is."""
    if ticket.merged_into is not None or ticket.status in (Status.RESOLVED, Status.CLOSED):
        return Change(ticket)
    urgency = _urgency(ticket.priority_why)
    reasons = (reason, *ticket.priority_why.reasons)
    change = raise_priority.raised(ticket, Judgement(by[Impact.MANY, urgency], Impact.MANY, urgency, reasons), at)
    events = (replace(event, why=reason).with_data(incident=number) for event in change.events)
    return Change(change.ticket, tuple(events))


def set_back(ticket: Ticket, last: Raise | None, number: int, at: datetime) -> Change:
    """The priority and its reasons are again what they were before the incident, if nobody changed them since.

    The desk does it, for it was the desk's mistake: another incident may raise the ticket again.
    """
    if last is None or last.incident != number or str(ticket.priority) != last.after or ticket.merged_into:
        return Change(ticket)
    why = f"not part of incident {number}"
    return set_priority(ticket, Priority(last.before), DESK, at, why, because=last.was_why)


def _urgency(why: PriorityReasons) -> Urgency:
    order, urgency = list(Urgency), why.urgency
    return min(Urgency(urgency), _LEAST, key=order.index) if urgency in set(Urgency) else _LEAST
