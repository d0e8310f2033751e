"""Which tickets have changed lately, read from the events."""

from __future__ import annotations

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.tickets import events

MOST = 5000
"""So many events are read at once."""


def newest_event(session: Session) -> int:
    """The id of the newest event; 0 where there is none."""
    return session.execute(sa.select(sa.func.max(events.c.id))).scalar() or 0


def events_after(session: Session, event_id: int) -> list[tuple[int, int]]:
    """The events after that one as pairs (event, ticket), the oldest first."""
    query = sa.select(events.c.id, events.c.ticket_id).where(events.c.id > event_id).order_by(events.c.id).limit(MOST)
    return [(row.id, row.ticket_id) for row in session.execute(query)]
