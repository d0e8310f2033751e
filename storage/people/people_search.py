"""Finds people while somebody types their name, address or number."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from desk.tickets.ticket import Status
from storage.access import visibility
from storage.db.session import Session
from storage.tables.tickets import people, tickets

_OPEN = [str(status) for status in (Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD)]
_NEWEST = 5000
"""So many of the newest people are looked through; who has not written for longer is found by the whole address."""


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody, and how many of their tickets that the viewer may see are open."""

    id: int
    address: str
    name: str
    open_tickets: int


def find_people(session: Session, words: str, most: int) -> list[FoundPerson]:
    """The newest requesters of tickets that the viewer may see whose name or address contains all of the words."""
    newest = sa.select(people.c.id).order_by(people.c.id.desc()).limit(_NEWEST).subquery()
    text = sa.func.lower(people.c.name + sa.literal(" ") + people.c.address)
    parts = [text.contains(word, autoescape=True) for word in words.lower().split()]
    whole = people.c.address == words.lower()
    theirs = (tickets.c.requester_id == people.c.id, *visibility.ticket_condition(session))
    open_count = sa.select(sa.func.count()).where(*theirs, tickets.c.status.in_(_OPEN)).scalar_subquery()
    query = (
        sa.select(people.c.id, people.c.address, people.c.name, open_count.label("open_tickets"))
        .where(sa.exists().where(*theirs))
        .where(whole | sa.and_(people.c.id.in_(sa.select(newest.c.id)), *parts), people.c.erased_at.is_(None))
        .order_by(people.c.id.desc())
        .limit(most)
    )
    return [FoundPerson(**row._mapping) for row in session.execute(query)]
