"""Who may own a ticket: the check that the console, API, commands, macros, rules, bulk changes and routing share.

An owner is an active agent whose role may own tickets and, where the ticket's team is private, a member of that team.
"""

from __future__ import annotations

import sqlalchemy as sa

from desk.access import permissions
from desk.access.permissions import Verb
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.people import people
from storage.people.people import Person
from storage.tables.tickets import agents, memberships, teams

ROLES = permissions.roles_with(Verb.OWN)
"""The stored words of the roles that may own tickets."""


def reason_against(session: Session, team_id: int | None, agent_id: int) -> str:
    """Why this agent cannot own tickets of that team, as a sentence without its full stop; empty where they can."""
    agent = people.by_ids(session, [agent_id]).get(agent_id)
    if agent is None or not agent.is_agent:
        return "there is no such agent"
    if not agent.may(Verb.OWN):
        return f"{agent.name or agent.address} has the role {agent.role}, which may not own tickets"
    private = _outside_of(session, team_id, agent_id) if team_id is not None else ""
    return f"{private} is a private team, and only a member can own its tickets" if private else ""


def check(session: Session, team_id: int | None, agent_id: int | None) -> None:
    """Raises NotAllowed for an agent who cannot own tickets of that team; nobody (None) always can."""
    why = reason_against(session, team_id, agent_id) if agent_id is not None else ""
    if why:
        raise NotAllowed(why)


def check_member(session: Session, team_id: int | None, agent_id: int) -> None:
    """Raises NotAllowed for an agent who is no member of that team, if it is private."""
    name = _outside_of(session, team_id, agent_id) if team_id is not None else ""
    if name:
        raise NotAllowed(f"{name} is a private team, and this agent is no member")


def list_possible(session: Session, team_id: int | None = None) -> list[Person]:
    """The agents who are offered as owners, of that team's tickets or of any."""
    query = sa.select(agents.c.id).where(agents.c.active, agents.c.role.in_(ROLES))
    if team_id is not None:
        members = sa.select(memberships.c.agent_id).where(memberships.c.team_id == team_id)
        public = ~sa.exists().where(teams.c.id == team_id, teams.c.private)
        query = query.where(sa.or_(public, agents.c.id.in_(members)))
    by_id = people.by_ids(session, session.execute(query).scalars())
    return [by_id[number] for number in sorted(by_id)]


def _outside_of(session: Session, team_id: int | None, agent_id: int) -> str:
    """The private team's name, if the agent is no member of it."""
    member = sa.exists().where(memberships.c.team_id == team_id, memberships.c.agent_id == agent_id)
    query = sa.select(teams.c.name).where(teams.c.id == team_id, teams.c.private, ~member)
    return session.execute(query).scalar() or ""
