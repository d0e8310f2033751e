"""Requesters' sessions in the portal: a random token in the cookie, its hash in the database.

A session ends after its lifetime, at sign-out, and when the requester revokes all links. Erased people have none.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.people import requester_sessions
from storage.tables.tickets import people

LIFETIME = timedelta(hours=12)


def begin(session: Session, person_id: int, now: datetime) -> str:
    """A new session; returns the cookie's value."""
    value = secrets.token_urlsafe(32)
    session.execute(sa.delete(requester_sessions).where(requester_sessions.c.expires_at < now))
    row = {"token_hash": _hash(value), "person_id": person_id, "created_at": now, "expires_at": now + LIFETIME}
    session.execute(sa.insert(requester_sessions).values(**row))
    return value


def find_requester(session: Session, value: str, now: datetime) -> int | None:
    """The person to whom this cookie value belongs."""
    c = requester_sessions.c
    where = (c.token_hash == _hash(value), c.expires_at > now)
    return session.execute(sa.select(c.person_id).where(*where)).scalar() if value else None


def end(session: Session, value: str) -> None:
    """Signs out: the cookie value becomes invalid."""
    session.execute(sa.delete(requester_sessions).where(requester_sessions.c.token_hash == _hash(value)))


def revoke_links(session: Session, person_id: int) -> None:
    """Revokes every link that was sent to the person, and ends all their sessions."""
    row = sa.update(people).where(people.c.id == person_id)
    session.execute(row.values(link_version=people.c.link_version + 1))
    session.execute(sa.delete(requester_sessions).where(requester_sessions.c.person_id == person_id))


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
