"""The facts of a ticket by name, as conditions, macros and reports ask for them.

It takes the ticket and what is known around it, as plain values, and returns one flat mapping. It looks nothing up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.rules.conditions import TicketFacts, Value
from desk.tickets.ticket import Ticket

LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Around:
    """What a ticket's row only names: people, places and the words of its newest or first message."""

    requester: str = ""
    requester_name: str = ""
    vip: bool = False
    organisation: str = ""
    plan: str = ""
    language: str = ""
    mailbox: str = ""
    team: str = ""
    assignee: str = ""
    text: str = ""
    hours: str = ""
    event: str = ""
    attachments: Sequence[str] = ()
    waiting_since: datetime | None = None
    reopened: int = 0


def facts_of_ticket(ticket: Ticket, around: Around, now: datetime) -> TicketFacts:
    """The facts at that moment; hours are real hours."""
    facts: dict[str, Value] = {
        "channel": ticket.channel,
        "mailbox": around.mailbox,
        "sender": around.requester,
        "requester": around.requester_name or around.requester,
        "domain": around.requester.rpartition("@")[2],
        "organisation": around.organisation,
        "plan": around.plan,
        "vip": around.vip,
        "language": around.language,
        "category": ticket.category or "",
        "priority": str(ticket.priority),
        "status": str(ticket.status),
        "team": around.team,
        "assignee": around.assignee,
        "tags": ticket.tags,
        "subject": ticket.subject,
        "text": around.text[:LONGEST_TEXT],
        "hours": around.hours,
        "age_hours": _hours(ticket.created_at, now),
        "idle_hours": _hours(ticket.updated_at, now),
        "waiting_hours": _hours(around.waiting_since, now) if around.waiting_since else 0.0,
        "attachments": tuple(around.attachments),
        "event": around.event,
        "reopened": around.reopened,
    }
    return facts | {f"field.{name}": _plain(value) for name, value in ticket.fields.items()}


def _hours(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds() / 3600


def _plain(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
