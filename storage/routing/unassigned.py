"""Tickets that wait for an owner, the most urgent first.

The queries use an index of waiting tickets, so they cost what waits and not what exists. Those that a job works through
leave out the tickets that it put off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.access import permissions
from desk.access.permissions import Verb
from desk.priority.levels import Priority
from desk.tickets.event_data import Transfer, read_data
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Status
from storage.access import visibility
from storage.db.session import Session
from storage.runtime import failures
from storage.tables.tickets import HELD, agents, events, people, teams, tickets

JOB = "reassign"
RANK: Mapping[Priority, int] = {priority: place for place, priority in enumerate(Priority)}
PATIENCE = 30 * 60
"""Seconds after which a flag in a team without strategy is told again."""
_OPEN = (str(Status.NEW), str(Status.OPEN))


@dataclass(frozen=True, slots=True)
class LeavingAgent:
    """An agent whose tickets go to others; `everything`: also tickets that wait for somebody else."""

    name: str
    why: str
    everything: bool


def list_leaving_agents(session: Session, now: datetime) -> dict[int, LeavingAgent]:
    """Agents who left, whose role may own nothing, or who are away now and hand over, as far as they own tickets."""
    c = agents.c
    away = c.away_from.is_not(None) & (c.away_from <= now) & (c.away_until.is_(None) | (c.away_until > now))
    hands_over = c.hands_over & (away | ~c.available)
    name = sa.case((people.c.name != "", people.c.name), else_=people.c.address).label("name")
    ready = failures.ready_condition(JOB, tickets.c.id, now)
    holds = sa.select(tickets.c.id).where(sa.text(HELD), tickets.c.assignee_id == c.id, ready).exists()
    owns = c.role.in_(permissions.roles_with(Verb.OWN)).label("owns")
    query = sa.select(c.id, name, c.active, owns).join(people, people.c.id == c.id)
    return {
        row.id: LeavingAgent(row.name, _reason(row.active, row.owns), everything=not (row.active and row.owns))
        for row in session.execute(query.where(~c.active | ~owns | hands_over, holds))
    }


def _reason(active: bool, owns: bool) -> str:
    if not active:
        return "left"
    return "is away" if owns else "may not own tickets any more"


def tickets_to_reassign(session: Session, of: Mapping[int, LeavingAgent], now: datetime, most: int) -> list[int]:
    """The tickets that they own and should not."""
    all_of_it = sorted(number for number, agent in of.items() if agent.everything)
    open_ones = sorted(number for number, agent in of.items() if not agent.everything)
    c = tickets.c
    condition = c.assignee_id.in_(all_of_it) | (c.assignee_id.in_(open_ones) & c.status.in_(_OPEN))
    query = sa.select(c.id).where(sa.text(HELD), c.assignee_id.in_(sorted(of)), condition, c.merged_into.is_(None))
    query = query.where(failures.ready_condition(JOB, c.id, now))
    return list(session.execute(query.order_by(_rank(), c.id).limit(most)).scalars()) if of else []


def list_unowned(session: Session, team_ids: Sequence[int], now: datetime, most: int) -> list[int]:
    """Open tickets of these teams without an owner, without a snooze and without a flag."""
    c = tickets.c
    where = (c.team_id.in_(team_ids), c.status.in_(_OPEN), c.assignee_id.is_(None), c.unroutable_at.is_(None))
    query = sa.select(c.id).where(*where, c.snoozed_until.is_(None), c.merged_into.is_(None))
    query = query.where(failures.ready_condition(JOB, c.id, now))
    return list(session.execute(query.order_by(_rank(), c.id).limit(most)).scalars())


@dataclass(frozen=True, slots=True)
class RoutingMemory:
    """What a ticket's history says to routing.

    The skills that a rule asked for, and who gave it back last and so does not get it again.
    """

    skills: tuple[str, ...] = ()
    never: frozenset[int] = frozenset()


def load_memory(session: Session, ids: Sequence[int]) -> dict[int, RoutingMemory]:
    """The routing memory of these tickets; skills no longer count once a person moves the ticket to another team."""
    c = events.c
    where = (c.ticket_id.in_(ids), c.kind.in_((EventKind.ASSIGNED, EventKind.UNROUTABLE, EventKind.TEAM_CHANGED)))
    query = sa.select(c.ticket_id, c.kind, c.data, c.actor_kind).where(*where).order_by(c.id)
    memories = {number: RoutingMemory() for number in ids}
    for row in session.execute(query) if ids else ():
        before, by_person = memories[row.ticket_id], row.actor_kind == str(ActorKind.AGENT)
        data = read_data(row.kind, row.data)
        skills = () if by_person and row.kind == EventKind.TEAM_CHANGED else data.skills or before.skills
        never = before.never if row.kind == EventKind.UNROUTABLE else frozenset[int]()
        if row.kind == EventKind.ASSIGNED and by_person and isinstance(data, Transfer) and data.from_id:
            never = frozenset({data.from_id})
        memories[row.ticket_id] = RoutingMemory(skills, never)
    return memories


def flagged_teams(session: Session) -> list[int]:
    """Teams that have tickets with a flag."""
    c = tickets.c
    query = sa.select(c.team_id).where(c.unroutable_at.is_not(None), c.status.in_(_OPEN), c.team_id.is_not(None))
    return list(session.execute(query.distinct()).scalars())


def list_flagged(session: Session, team_ids: Sequence[int], now: datetime, after: int, most: int) -> list[int]:
    """Flagged tickets of these teams, after the first `after`."""
    c = tickets.c
    where = (c.unroutable_at.is_not(None), c.status.in_(_OPEN), c.team_id.in_(team_ids), c.assignee_id.is_(None))
    ready = failures.ready_condition(JOB, c.id, now)
    query = sa.select(c.id).where(*where, ready).order_by(_rank(), c.unroutable_at, c.id).offset(after).limit(most)
    return list(session.execute(query).scalars())


def list_unescalated(session: Session, before: datetime, most: int) -> list[int]:
    """Flagged tickets without a second notice to the leads since then, the oldest first."""
    c, e = tickets.c, events.c
    escalated = sa.select(e.id).where(
        e.ticket_id == c.id, e.kind == EventKind.UNROUTABLE_ESCALATED, e.at >= c.unroutable_at
    )
    where = (c.unroutable_at.is_not(None), c.unroutable_at < before, c.status.in_(_OPEN), ~escalated.exists())
    ready = failures.ready_condition(JOB, c.id, before)
    return list(session.execute(sa.select(c.id).where(*where, ready).order_by(c.unroutable_at).limit(most)).scalars())


@dataclass(frozen=True, slots=True)
class Flag:
    """A ticket that no agent could take."""

    id: int
    subject: str
    priority: str
    team: str
    since: datetime
    why: str
    escalated: bool


def list_flags(session: Session, most: int = 200) -> list[Flag]:
    """The flagged tickets, the most urgent first, with the newest reason."""
    c, e = tickets.c, events.c
    again = sa.select(e.id).where(
        e.ticket_id == c.id, e.kind == EventKind.UNROUTABLE_ESCALATED, e.at >= c.unroutable_at
    )
    flagging = sa.select(e.why).where(e.ticket_id == c.id, e.kind == EventKind.UNROUTABLE)
    why = flagging.order_by(e.id.desc()).limit(1).scalar_subquery()
    columns = (c.id, c.subject, c.priority, sa.func.coalesce(teams.c.name, "").label("team"))
    query = (
        sa.select(*columns, c.unroutable_at.label("since"), why.label("why"), again.exists().label("escalated"))
        .outerjoin(teams, teams.c.id == c.team_id)
        .where(*visibility.ticket_condition(session), c.unroutable_at.is_not(None), c.status.in_(_OPEN))
        .order_by(_rank(), c.unroutable_at, c.id)
        .limit(most)
    )
    return [Flag(**row._mapping) for row in session.execute(query)]


def count_flags(session: Session) -> int:
    """How many flagged tickets the viewer may see."""
    where = (*visibility.ticket_condition(session), tickets.c.unroutable_at.is_not(None), tickets.c.status.in_(_OPEN))
    return int(session.execute(sa.select(sa.func.count()).select_from(tickets).where(*where)).scalar_one())


def has_flags(session: Session) -> bool:
    where = tickets.c.unroutable_at.is_not(None)
    return session.execute(sa.select(tickets.c.id).where(where).limit(1)).scalar() is not None


def _rank() -> sa.ColumnElement[int]:
    return sa.case({str(name): place for name, place in RANK.items()}, value=tickets.c.priority, else_=len(RANK))
