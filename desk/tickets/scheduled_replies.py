"""Replies that wait before they leave: for a few seconds, in which they can be taken back, or until a moment.

It takes an agent's wish and the time, and returns when the reply leaves, and the changes of the ticket that say so.
It does not know where the reply waits (`usecases/agents/scheduled_replies.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from desk.tickets.event_data import AgentNamed
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, Change, Event, NotAllowed, Ticket

LONGEST_UNDO = 120
MORNING = 9
LATER: Mapping[str, str] = {
    "1h": "in 1 hour",
    "4h": "in 4 hours",
    "tomorrow": "tomorrow at 9:00",
    "monday": "next Monday at 9:00",
}
"""When a reply may be wished to leave, in words; none of them: now."""


def moment(wish: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wish, by the clock on the wall there."""
    if wish in ("1h", "4h"):
        return now + timedelta(hours=int(wish[0]))
    if wish not in LATER:
        raise NotAllowed("that is no moment at which a reply can be sent")
    here = now.astimezone(zone)
    days = 1 if wish == "tomorrow" else 7 - here.weekday()
    there = (here + timedelta(days=days)).replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return there.astimezone(now.tzinfo)


def schedule(ticket: Ticket, actor: Actor, at: datetime, send_at: datetime) -> Change:
    """A reply waits; whoever opened the page before sees that somebody is answering already."""
    return _told(ticket, EventKind.REPLY_SCHEDULED, actor, at, after=send_at.isoformat())


def take_back(ticket: Ticket, actor: Actor, at: datetime) -> Change:
    return _told(ticket, EventKind.REPLY_UNDONE, actor, at)


def give_back(ticket: Ticket, actor: Actor, at: datetime, why: str) -> Change:
    """It could not be sent; its text is a draft again."""
    data = AgentNamed(agent_id=actor.id or 0)
    return Change(ticket, (Event(ticket.id, at, EventKind.REPLY_RETURNED, DESK, why=why, data=data),))


def _told(ticket: Ticket, kind: EventKind, actor: Actor, at: datetime, *, after: str = "") -> Change:
    return Change(ticket, (Event(ticket.id, at, kind, actor, after=after),))
