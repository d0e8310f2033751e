"""The time zone in which a person works, where it is known."""

from __future__ import annotations

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.tickets import people


def zone_of_person(session: Session, person_id: int) -> str:
    """A name such as Europe/Berlin; empty where it is not known."""
    return str(session.execute(sa.select(people.c.time_zone).where(people.c.id == person_id)).scalar() or "")
