"""Agents' roles and active agents: each change is audited, and there is always an active admin.

Two changes at the same moment wait for each other, so two admins cannot take the role from one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from desk.access.permissions import Role, role_named
from desk.access.visibility import Viewer
from desk.tickets.ticket import NotAllowed
from storage.access import audit
from storage.access.audit import Action
from storage.db.session import Session, enqueue
from storage.db.statements import for_update
from storage.people import people
from storage.people.people import Person
from storage.tables.tickets import agents

ROLE_CHANGED, ACTIVATED, DEACTIVATED = "role_changed", "agent_activated", "agent_deactivated"


@contextmanager
def ensure_admin_remains(session: Session) -> Iterator[None]:
    """The block may change any roles, as long as an active admin is left if there was one."""
    before = _admins(session, hold=True)
    yield
    if before and not _admins(session):
        raise NotAllowed("the desk needs an active admin: make somebody else one first")


def set_role(session: Session, agent: Person, role: str, who: Viewer, now: datetime) -> None:
    """Sets the agent's role; NotAllowed for the last active admin."""
    with ensure_admin_remains(session):
        change_role(session, agent, role, who, now)


def set_active(session: Session, agent: Person, who: Viewer, now: datetime, *, active: bool) -> None:
    """Deactivates or reactivates an agent; NotAllowed for the last active admin."""
    with ensure_admin_remains(session):
        change_active(session, agent, who, now, active=active)


def change_role(session: Session, agent: Person, role: str, who: Viewer, now: datetime) -> None:
    """For callers inside of `ensure_admin_remains`. Tickets that the agent may no longer own go to others."""
    new_role = role_named(role)
    if agent.role == new_role:
        return
    session.execute(sa.update(agents).where(agents.c.id == agent.id).values(role=str(new_role)))
    data = {"member_id": agent.id, "member": agent.address, "before": agent.role, "after": str(new_role)}
    audit.record(session, who, Action(ROLE_CHANGED, now, data=data))
    enqueue(session, "reassign", 0)


def change_active(session: Session, agent: Person, who: Viewer, now: datetime, *, active: bool) -> None:
    """For callers inside of `ensure_admin_remains`."""
    if agent.active is active:
        return
    people.set_active(session, agent.id, active)
    what = ACTIVATED if active else DEACTIVATED
    audit.record(session, who, Action(what, now, data={"member_id": agent.id, "member": agent.address}))


def _admins(session: Session, *, hold: bool = False) -> list[int]:
    """The active admins; `hold` keeps others from changing them until the transaction ends."""
    query = sa.select(agents.c.id).where(agents.c.role == str(Role.ADMIN), agents.c.active).order_by(agents.c.id)
    return list(session.execute(for_update(session, query) if hold else query).scalars())
