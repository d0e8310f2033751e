"""Ticket numbers of other helpdesks: which of our tickets such a number means in mail of that organisation.

A number belongs to one organisation (`desk/people/organisations.py`); the same number from elsewhere means nothing
here. Who may write on the ticket is decided by `desk/tickets/participants.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert
from storage.tables.learning import foreign_numbers

Key = tuple[str, str]
"""Number and organisation."""

_c = foreign_numbers.c


def find_tickets(session: Session, keys: Collection[Key]) -> dict[Key, int]:
    """The tickets of those external references that are stored."""
    if not keys:
        return {}
    query = sa.select(_c.number, _c.domain, _c.ticket_id).where(sa.tuple_(_c.number, _c.domain).in_(sorted(keys)))
    return {(row.number, row.domain): row.ticket_id for row in session.execute(query)}


def save(session: Session, places: Mapping[Key, int], now: datetime) -> None:
    """From now on these references mean these tickets, whatever they meant before."""
    if not places:
        return
    # In the order of their keys, so that two workers that learn the same numbers cannot deadlock.
    rows = [
        {"number": key[0], "domain": key[1], "ticket_id": places[key], "first_seen_at": now} for key in sorted(places)
    ]
    statement = insert(session, foreign_numbers)
    changes = {"ticket_id": statement.excluded.ticket_id, "first_seen_at": statement.excluded.first_seen_at}
    session.execute(statement.on_conflict_do_update(index_elements=[_c.number, _c.domain], set_=changes), rows)


def move(session: Session, keys: Collection[Key], from_ticket: int, to_ticket: int, since: datetime) -> None:
    """The references that a message brought at that moment go with it to another ticket; older ones stay."""
    if not keys:
        return
    brought = sa.tuple_(_c.number, _c.domain).in_(sorted(keys))
    where = (_c.ticket_id == from_ticket, _c.first_seen_at >= since, brought)
    session.execute(sa.update(foreign_numbers).where(*where).values(ticket_id=to_ticket))
