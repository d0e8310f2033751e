"""Teams and agents as routing needs them: strategy, skills, load, turns, working hours, absence.

Whoever assigns tickets locks the agents' rows first (`lock`), so that two workers never count the same turn. Who gets
a ticket is decided in `desk/routing/routing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.access import permissions
from desk.access.permissions import Verb
from desk.routing.routing import BadRouting, Member, Options, Strategy, Team, absence, given, read_options
from desk.sla.business_hours import ALWAYS, Calendar
from desk.tickets.ticket import Status
from storage.db.session import Session, enqueue
from storage.db.statements import insert_ignore, read_counts
from storage.sla import calendars
from storage.tables.tickets import HELD, agents, memberships, people, teams, tickets

_OWNERS = permissions.roles_with(Verb.OWN)
IN_HAND = (str(Status.NEW), str(Status.OPEN))
"""What counts as load: what waits for the requester or a third party does not."""


@dataclass
class Availability:
    """Teams by id while a batch is routed; an agent who gets a ticket has one more at once, in every team."""

    teams: dict[int, Team]
    turns: dict[tuple[int, int], datetime] = field(default_factory=dict)

    def record_assignment(self, team_id: int, agent_id: int, now: datetime) -> None:
        """Records who got the ticket; no two turns of a team have the same moment."""
        last_turns = [member.last for member in self.teams[team_id].members if member.last]
        at = max([now, *(last + timedelta(microseconds=1) for last in last_turns)])
        self.turns[(team_id, agent_id)] = at
        for number, team in self.teams.items():
            self.teams[number] = given(team, agent_id, at if number == team_id else None)


def team_settings(session: Session) -> dict[int, Team]:
    """Every team's strategy and options, without members."""
    hours = calendars.by_id(session)
    return {row.id: _team(row, hours) for row in session.execute(sa.select(teams).order_by(teams.c.id))}


def lock(session: Session, team_ids: Iterable[int], agent_ids: Iterable[int] = ()) -> None:
    """Hold the members of these teams, and these agents, in order of id, until the transaction ends.

    SQLite has one writer anyhow. What refers to an agent's row may still be written by others.
    """
    if not session.postgres:
        return
    members = sa.select(memberships.c.agent_id).where(memberships.c.team_id.in_(sorted(set(team_ids))))
    condition = agents.c.id.in_(members) | agents.c.id.in_(sorted(set(agent_ids)))
    query = sa.select(agents.c.id).where(condition).order_by(agents.c.id)
    session.execute(query.with_for_update(key_share=True)).all()


def load_availability(session: Session, team_ids: Iterable[int]) -> Availability:
    """These teams with their active members, as they are now."""
    unique_ids = sorted(set(team_ids))
    if not unique_ids:
        return Availability({})
    hours = calendars.by_id(session)
    rows = session.execute(sa.select(teams).where(teams.c.id.in_(unique_ids)))
    by_id = {row.id: _team(row, hours) for row in rows}
    c = memberships.c
    columns = (*_AGENT, c.team_id, c.last_assigned_at)
    joined = memberships.join(agents, agents.c.id == c.agent_id).join(people, people.c.id == agents.c.id)
    where = (c.team_id.in_(unique_ids), agents.c.active, agents.c.role.in_(_OWNERS))
    member_rows = session.execute(sa.select(*columns).select_from(joined).where(*where).order_by(agents.c.id)).all()
    load = open_ticket_counts(session, {row.id for row in member_rows})
    for row in member_rows:
        team = by_id[row.team_id]
        member = _member(row._mapping, load, hours, team.calendar, row.last_assigned_at)
        by_id[row.team_id] = replace(team, members=(*team.members, member))
    return Availability(by_id)


def load_agents(session: Session, agent_ids: Iterable[int]) -> dict[int, Member]:
    """These agents, if they are active, without a team."""
    unique_ids = sorted(set(agent_ids))
    if not unique_ids:
        return {}
    joined = agents.join(people, people.c.id == agents.c.id)
    query = (
        sa.select(*_AGENT)
        .select_from(joined)
        .where(agents.c.id.in_(unique_ids), agents.c.active, agents.c.role.in_(_OWNERS))
    )
    hours, load = calendars.by_id(session), open_ticket_counts(session, unique_ids)
    return {row.id: _member(row._mapping, load, hours, ALWAYS, None) for row in session.execute(query)}


def open_ticket_counts(session: Session, agent_ids: Iterable[int]) -> dict[int, int]:
    """Agent → number of open tickets; reads only those tickets."""
    unique_ids = sorted(set(agent_ids))
    if not unique_ids:
        return {}
    c = tickets.c
    where = (sa.text(HELD), c.assignee_id.in_(unique_ids), c.status.in_(IN_HAND), c.merged_into.is_(None))
    query = sa.select(c.assignee_id, sa.func.count()).where(*where).group_by(c.assignee_id)
    counted: Any = read_counts(session, query)
    return dict(counted)


def save_turns(session: Session, roster: Availability) -> None:
    """Stores the turns that were assigned."""
    for (team_id, agent_id), at in sorted(roster.turns.items()):
        where = (memberships.c.team_id == team_id, memberships.c.agent_id == agent_id)
        session.execute(sa.update(memberships).where(*where).values(last_assigned_at=at))


def own_calendar(session: Session, agent_id: int) -> int | None:
    """The agent's own calendar; None where the team's counts."""
    return session.execute(sa.select(agents.c.calendar_id).where(agents.c.id == agent_id)).scalar()


def calendars_of_teams(session: Session) -> dict[int, int | None]:
    return {row.id: row.calendar_id for row in session.execute(sa.select(teams.c.id, teams.c.calendar_id))}


def calendars_of_agents(session: Session) -> dict[int, int | None]:
    return {row.id: row.calendar_id for row in session.execute(sa.select(agents.c.id, agents.c.calendar_id))}


def absence_of(session: Session, agent_id: int, now: datetime) -> str:
    """ "is away until Fri 6 Mar 09:00", or nothing."""
    c = agents.c
    row = session.execute(sa.select(c.available, c.away_from, c.away_until).where(c.id == agent_id)).first()
    return absence(Member(agent_id, "", **row._mapping), now) if row else ""


# -- what people set -----------------------------------------------------------------------------------------------


def set_team(session: Session, team_id: int, strategy: Strategy, options: Options, calendar_id: int | None) -> None:
    values = {"strategy": str(strategy), "routing": asdict(options), "calendar_id": calendar_id}
    session.execute(sa.update(teams).where(teams.c.id == team_id).values(**values))
    enqueue(session, "reassign", 0)


def add_member(session: Session, team_id: int, agent_id: int) -> None:
    session.execute(insert_ignore(session, memberships), {"team_id": team_id, "agent_id": agent_id})
    enqueue(session, "reassign", 0)


def remove_member(session: Session, team_id: int, agent_id: int) -> None:
    where = (memberships.c.team_id == team_id, memberships.c.agent_id == agent_id)
    session.execute(sa.delete(memberships).where(*where))


def set_agent(session: Session, agent_id: int, **values: Any) -> None:
    """Some of: weight, capacity, skills, calendar_id, available, away_from, away_until, hands_over."""
    session.execute(sa.update(agents).where(agents.c.id == agent_id).values(**values))
    enqueue(session, "reassign", 0)


def set_away(session: Session, agent_id: int, since: datetime, until: datetime | None, *, hands_over: bool) -> None:
    """Sets an absence; with `hands_over` the agent's open tickets go to others when it begins."""
    values: dict[str, Any] = {"away_from": since, "away_until": until, "hands_over": hands_over}
    set_agent(session, agent_id, **values, available=True)


def end_absence(session: Session, agent_id: int) -> None:
    values: dict[str, Any] = {"away_from": None, "away_until": None, "hands_over": False}
    set_agent(session, agent_id, **values, available=True)


_AGENT = (
    agents.c.id,
    sa.case((people.c.name != "", people.c.name), else_=people.c.address).label("name"),
    agents.c.weight,
    agents.c.capacity,
    agents.c.skills,
    agents.c.calendar_id,
    agents.c.available,
    agents.c.away_from,
    agents.c.away_until,
)
_PLAIN = ("id", "name", "weight", "capacity", "available", "away_from", "away_until")


def _member(
    row: Mapping[str, Any] | sa.RowMapping,
    load: Mapping[int, int],
    hours: Mapping[int, tuple[str, Calendar]],
    of_team: Calendar,
    last: datetime | None,
) -> Member:
    own = hours[row["calendar_id"]][1] if row["calendar_id"] in hours else of_team
    values = {name: row[name] for name in _PLAIN}
    return Member(**values, skills=tuple(row["skills"]), calendar=own, open=load.get(row["id"], 0), last=last)


def _team(row: Any, hours: Mapping[int, tuple[str, Calendar]]) -> Team:
    calendar = hours[row.calendar_id][1] if row.calendar_id in hours else ALWAYS
    strategy = Strategy(row.strategy) if row.strategy in set(Strategy) else Strategy.MANUAL
    try:
        options = read_options(row.routing)
    except BadRouting:  # a row that another release wrote keeps no mail waiting.
        options = Options()
    return Team(row.id, row.name, strategy, calendar=calendar, options=options)
