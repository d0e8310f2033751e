"""Counts how agents changed the priorities that the desk had set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind
from storage.db.session import Session
from storage.tables.tickets import events


def priority_changes(session: Session, since: datetime) -> list[tuple[str, str, int]]:
    """(priority of the desk, agents' last priority, number of tickets), the most frequent first."""
    c = events.c
    by_agents = (c.kind == EventKind.PRIORITY_CHANGED, c.actor_kind == str(ActorKind.AGENT), c.at >= since)
    ends = sa.select(c.ticket_id, sa.func.min(c.id).label("first"), sa.func.max(c.id).label("last"))
    span = ends.where(*by_agents).group_by(c.ticket_id).subquery()
    first, last = events.alias(), events.alias()
    joined = span.join(first, first.c.id == span.c.first).join(last, last.c.id == span.c.last)
    count = sa.func.count().label("count")
    query = sa.select(first.c.before, last.c.after, count).select_from(joined).where(first.c.before != last.c.after)
    query = query.group_by(first.c.before, last.c.after).order_by(count.desc(), first.c.before, last.c.after)
    rows: Any = session.execute(query)
    return [(row[0], row[1], row[2]) for row in rows]
