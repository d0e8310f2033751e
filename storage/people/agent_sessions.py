"""Agents' sessions in the console: a random token in the cookie, its hash in the database.

The hash also covers the agent's password hash and key version, so a new password or a deactivation ends every session.
Signing out deletes the row.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.db.session import Session
from storage.people import people
from storage.people.people import Person
from storage.tables.runtime import console_sessions
from storage.tables.tickets import agents

LIFETIME = timedelta(days=7)


def begin(session: Session, agent: Person, now: datetime) -> str:
    """A new session; returns the cookie's value."""
    value = f"{agent.id}.{secrets.token_urlsafe(32)}"
    session.execute(sa.delete(console_sessions).where(console_sessions.c.expires_at < now))
    row = {"token_hash": _hash(value, agent), "agent_id": agent.id, "created_at": now, "expires_at": now + LIFETIME}
    session.execute(sa.insert(console_sessions).values(**row))
    return value


def find_agent(session: Session, value: str, now: datetime) -> Person | None:
    """The active agent to whom this cookie value belongs."""
    number = value.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    agent = people.by_ids(session, [int(number)]).get(int(number))
    if agent is None or not agent.is_agent:
        return None
    where = (console_sessions.c.token_hash == _hash(value, agent), console_sessions.c.expires_at > now)
    return agent if session.execute(sa.select(sa.literal(1)).where(*where)).scalar() else None


def end(session: Session, value: str, agent: Person) -> None:
    """Signs out: the cookie value becomes invalid."""
    session.execute(sa.delete(console_sessions).where(console_sessions.c.token_hash == _hash(value, agent)))


def set_password(session: Session, agent_id: int, password_hash: str) -> None:
    """Stores a new password, which ends every session of the agent."""
    session.execute(sa.update(agents).where(agents.c.id == agent_id).values(password_hash=password_hash))
    session.execute(sa.delete(console_sessions).where(console_sessions.c.agent_id == agent_id))


def _hash(value: str, agent: Person) -> str:
    text = f"{value}\0{agent.password_hash}\0{agent.key_version}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
