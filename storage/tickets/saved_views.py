"""Views that agents have saved: a query of the inbox with a name, for themselves or for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.people import saved_views

LONGEST_NAME = 60
MOST_VIEWS = 50
"""So many an agent may save."""
_c = saved_views.c


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved view; `query` is the part of the inbox's address behind the question mark."""

    id: int
    name: str
    query: str
    owner_id: int
    shared: bool


def list_views(session: Session, agent_id: int) -> list[SavedView]:
    """The agent's own views and those that others share, by name."""
    query = (
        sa.select(_c.id, _c.name, _c.query, _c.owner_id, _c.shared)
        .where((_c.owner_id == agent_id) | _c.shared)
        .order_by(_c.shared, sa.func.lower(_c.name), _c.id)
    )
    return [SavedView(**row._mapping) for row in session.execute(query)]


def save_view(session: Session, view: SavedView, now: datetime) -> None:
    """Stores a new view; the view's own id does not count."""
    row = {"name": view.name, "query": view.query, "owner_id": view.owner_id, "shared": view.shared}
    session.execute(sa.insert(saved_views).values(**row, created_at=now))


def count_views(session: Session, agent_id: int) -> int:
    """How many views the agent has saved."""
    return int(session.execute(sa.select(sa.func.count()).where(_c.owner_id == agent_id)).scalar_one())


def get_view(session: Session, view_id: int) -> SavedView | None:
    """The view with that id, whoever owns it."""
    query = sa.select(_c.id, _c.name, _c.query, _c.owner_id, _c.shared).where(_c.id == view_id)
    row = session.execute(query).first()
    return SavedView(**row._mapping) if row else None


def delete_view(session: Session, view_id: int) -> None:
    session.execute(sa.delete(saved_views).where(_c.id == view_id))
