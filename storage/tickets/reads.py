"""Up to which message each agent has read each ticket."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.people import ticket_reads

_c = ticket_reads.c


def mark_read(session: Session, ticket_id: int, agent_id: int, message_id: int) -> None:
    """Stores that the agent has seen the ticket up to that message."""
    row = {"ticket_id": ticket_id, "agent_id": agent_id, "message_id": message_id}
    upsert(session, ticket_reads, ("ticket_id", "agent_id"), row)


def read_up_to(session: Session, agent_id: int, ticket_ids: Iterable[int]) -> dict[int, int]:
    """Ticket → the newest message that the agent has seen; tickets that were never opened are missing."""
    where = (_c.agent_id == agent_id, _c.ticket_id.in_(sorted(set(ticket_ids))))
    return {
        row.ticket_id: row.message_id for row in session.execute(sa.select(_c.ticket_id, _c.message_id).where(*where))
    }
