"""The lifecycle's settings, stored as one setting, and the tickets that are due by it.

Each query reads an index from its beginning, so it costs what is due and not what exists.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from desk.tickets import lifecycle
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.ticket import Status
from storage.db.session import Session
from storage.runtime import failures, key_values
from storage.tables.tickets import tickets

KEY = "lifecycle"
"""The name of the rules, and of the job that failures name."""

_c = tickets.c


def rules(session: Session) -> Lifecycle:
    return lifecycle.read(key_values.get(session, KEY) or {})


def set_rules(session: Session, settings: Lifecycle) -> None:
    key_values.put(session, KEY, asdict(lifecycle.read(asdict(settings))))


def due_tickets(session: Session, settings: Lifecycle, now: datetime, most: int) -> list[int]:
    """Tickets that may be due; the job checks each again while it holds the ticket."""
    ticket_ids: list[int] = []
    for where, order in _places(settings, now):
        if len(ticket_ids) < most:
            query = (
                sa.select(_c.id)
                .where(*where, failures.ready_condition(KEY, _c.id, now))
                .order_by(order)
                .limit(most - len(ticket_ids))
            )
            ticket_ids += session.execute(query).scalars()
    return sorted(set(ticket_ids))


def _places(settings: Lifecycle, now: datetime) -> list[tuple[tuple[sa.ColumnElement[bool], ...], sa.Column[datetime]]]:
    places: list[tuple[tuple[sa.ColumnElement[bool], ...], sa.Column[datetime]]] = [
        ((_c.snoozed_until.is_not(None), _c.snoozed_until <= now), _c.snoozed_until)
    ]
    if settings.close_days:
        places.append((_silent_since(Status.RESOLVED, settings.close_days, now), _c.updated_at))
    if settings.resolve_days:
        quiet = _silent_since(Status.PENDING, settings.remind_days or settings.resolve_days, now)
        first = (_c.reminded_at.is_(None),) if settings.remind_days else ()
        places.append(((*quiet, *first, _c.snoozed_until.is_(None)), _c.updated_at))
    if settings.remind_days:
        over = (_c.reminded_at.is_not(None), _c.reminded_at <= now - settings.after_reminder)
        places.append(((*over, _c.status == str(Status.PENDING), _c.snoozed_until.is_(None)), _c.reminded_at))
    return places


def _silent_since(status: Status, days: int, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (_c.status == str(status), _c.updated_at <= now - timedelta(days=days))
