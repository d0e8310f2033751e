"""Agents' corrections of categories, one row each: what the categoriser learns from.

They are stored in the transaction of the event that they come from; every category event by an agent counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Event
from storage.db.session import Session
from storage.db.statements import insert_rows
from storage.tables.learning import corrections
from storage.tables.tickets import predictions

CORRECTION_KINDS = (EventKind.CATEGORY_CHANGED, EventKind.CATEGORY_CONFIRMED)


def record(session: Session, happened: Sequence[Event]) -> None:
    """Stores the corrections among these events; other events cost nothing."""
    by_agents = [event for event in happened if event.kind in CORRECTION_KINDS and event.actor.kind is ActorKind.AGENT]
    if not by_agents:
        return
    guessed = _guesses(session, {event.ticket_id for event in by_agents})
    insert_rows(session, corrections, [_row(event, *guessed.get(event.ticket_id, (None, ""))) for event in by_agents])


def newest_id(session: Session) -> int:
    """The id of the newest correction; 0 where there is none."""
    return session.execute(sa.select(sa.func.max(corrections.c.id))).scalar() or 0


def count_after(session: Session, correction_id: int) -> int:
    """How many corrections there are since that one."""
    query = sa.select(sa.func.count()).select_from(corrections).where(corrections.c.id > correction_id)
    return session.execute(query).scalar() or 0


def _guesses(session: Session, ids: set[int]) -> dict[int, tuple[int | None, str]]:
    c = predictions.c
    rows = session.execute(sa.select(c.ticket_id, c.message_id, c.model_version).where(c.ticket_id.in_(sorted(ids))))
    return {row.ticket_id: (row.message_id, row.model_version) for row in rows}


def _row(event: Event, message_id: int | None, model_version: str) -> dict[str, Any]:
    return {
        "ticket_id": event.ticket_id,
        "message_id": message_id,
        "agent_id": event.actor.id,
        "via": event.data.via,
        "before": event.before,
        "after": event.after,
        "model_version": model_version,
        "at": event.at,
    }
