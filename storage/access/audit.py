"""The audit log: who read tickets of private teams or opened them as an outsider, and changes of members and roles.

Its rows are never removed. Admins see all of them, the leads of a team those of their team. What was read is not
stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.access.visibility import Viewer
from storage.db.session import Session
from storage.db.statements import insert_rows
from storage.tables.people import audit

READ = "read"
AGAIN = timedelta(minutes=5)
"""Who reads the same ticket again within this time has read it once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit log. `agent_id` is None for tokens and for the command line."""

    id: int
    at: datetime
    agent_id: int | None
    agent_name: str
    what: str
    ticket_id: int | None
    team_id: int | None
    data: Mapping[str, Any] = field(default_factory=dict)


def record_reads(writing: Session, reading: Session, at: datetime) -> None:
    """Stores the reads that a session noted."""
    viewer, reads = reading.viewer, dict(reading.reads)
    reading.reads.clear()
    c = audit.c
    if not reads:
        return
    where = (c.what == READ, c.agent_id == viewer.agent_id, c.at > at - AGAIN, c.ticket_id.in_(sorted(reads)))
    recent_ids = set(writing.execute(sa.select(c.ticket_id).where(*where)).scalars())
    insert_rows(writing, audit, [_row(viewer, READ, t, team, at) for t, team in reads.items() if t not in recent_ids])


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is audited, and the ticket or team that it was done to."""

    what: str
    at: datetime
    ticket_id: int | None = None
    team_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def record(session: Session, viewer: Viewer, action: Action) -> int:
    """Stores one entry; returns its id."""
    row = _row(viewer, action.what, action.ticket_id, action.team_id, action.at) | {"data": dict(action.data)}
    return int(session.execute(sa.insert(audit).values(**row).returning(audit.c.id)).scalar_one())


def entries(
    session: Session, teams: Collection[int] | None = None, *, before: int | None = None, most: int = 100
) -> list[Entry]:
    """The newest first; `teams` limits them to entries about those teams, None means all."""
    query = sa.select(*(audit.c[name] for name in Entry.__dataclass_fields__)).order_by(audit.c.id.desc()).limit(most)
    if teams is not None:
        query = query.where(audit.c.team_id.in_(sorted(teams)))
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Entry(**row._mapping) for row in session.execute(query)]


def _row(viewer: Viewer, what: str, ticket_id: int | None, team_id: int | None, at: datetime) -> dict[str, Any]:
    who = {"agent_id": viewer.agent_id, "agent_name": viewer.name}
    return {"at": at, **who, "what": what, "ticket_id": ticket_id, "team_id": team_id, "data": {}}
