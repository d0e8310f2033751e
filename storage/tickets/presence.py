"""Which agents have a ticket open at this moment, and which are writing on it.

An open page sends a signal every few seconds; it counts for half a minute. Presence is no part of the ticket, so it is
no event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.people import presence
from storage.tables.tickets import people

LASTS = timedelta(seconds=30)
VIEWING, WRITING = "viewing", "writing"
_c = presence.c


@dataclass(frozen=True, slots=True)
class Present:
    """An agent who has a ticket open; `doing` is VIEWING or WRITING."""

    agent_id: int
    name: str
    doing: str


def record(session: Session, ticket_id: int, agent_id: int, doing: str, now: datetime) -> None:
    """Stores a signal of an open page, and deletes old ones."""
    session.execute(sa.delete(presence).where(_c.ticket_id == ticket_id, _c.at < now - LASTS))
    row = {"ticket_id": ticket_id, "agent_id": agent_id, "doing": doing, "at": now}
    upsert(session, presence, ("ticket_id", "agent_id"), row)


def remove(session: Session, ticket_id: int, agent_id: int) -> None:
    """The page was closed."""
    session.execute(sa.delete(presence).where(_c.ticket_id == ticket_id, _c.agent_id == agent_id))


def list_present(session: Session, ticket_ids: Iterable[int], now: datetime, but: int) -> dict[int, list[Present]]:
    """Who has these tickets open besides that agent; agents who write come first."""
    query = (
        sa.select(_c.ticket_id, _c.agent_id, _c.doing, people.c.name, people.c.address)
        .join(people, people.c.id == _c.agent_id)
        .where(_c.ticket_id.in_(sorted(set(ticket_ids))), _c.agent_id != but, _c.at >= now - LASTS)
        .order_by(_c.doing.desc(), people.c.name, _c.agent_id)
    )
    by_ticket: dict[int, list[Present]] = {}
    for row in session.execute(query):
        present = Present(row.agent_id, row.name or row.address, row.doing)
        by_ticket.setdefault(row.ticket_id, []).append(present)
    return by_ticket
