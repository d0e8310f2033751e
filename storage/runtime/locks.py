"""Leases: named locks with an end, so that only one process at a time runs the scheduler or fetches a mailbox."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.tables.runtime import leases

SKEW = timedelta(minutes=1)
"""So much may the clocks of two machines differ."""


def acquire(session: Session, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Take or renew the lease; False while somebody else holds it.

    One that ends later than anybody could have taken it for is of a clock that went wrong, and holds nobody off.
    """
    until = now + length
    free = (leases.c.holder == holder) | (leases.c.until < now) | (leases.c.until > until + SKEW)
    takeover = sa.update(leases).where(leases.c.name == name, free).values(holder=holder, until=until)
    if session.execute(takeover).rowcount == 1:
        return True
    row = {"name": name, "holder": holder, "until": until}
    return session.execute(insert_ignore(session, leases), row).rowcount == 1


def release(session: Session, name: str, holder: str) -> None:
    session.execute(sa.delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def is_held(session: Session, name: str, now: datetime, silence: timedelta) -> bool:
    """Whether a process has renewed the lease recently, as far as its end is plausible."""
    moment = expires_at(session, name)
    return moment is not None and now - silence < moment < now + silence + SKEW


def held_leases(session: Session, now: datetime) -> list[tuple[str, datetime]]:
    """The leases that are held, with their ends."""
    query = sa.select(leases.c.name, leases.c.until).where(leases.c.until > now).order_by(leases.c.name)
    return [(row.name, row.until) for row in session.execute(query)]


def expires_at(session: Session, name: str) -> datetime | None:
    """When the lease ends or ended; None if nobody ever had it."""
    return session.execute(sa.select(leases.c.until).where(leases.c.name == name)).scalar()
