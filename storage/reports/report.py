"""Reports: volume, response and resolution times, SLA, CSAT and backlog of a period, beside the period before.

Volume, responses and their targets are of the tickets opened in the period; resolution, reopening, ratings and time in
status of those resolved in it. Backlog is what is not resolved; a ticket that was reopened was open all along. Few
tickets are counted one by one, many by daily sums (`storage/reports/daily_plan.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from desk.reports import quantile_sketch
from desk.reports.period import Period
from desk.reports.report import Day, Group, Headline, Line, Report, Spread
from desk.reports.ticket_figures import FIRST, NEXT, RESOLUTION, SLOT_SECONDS
from storage.access import visibility
from storage.db.session import Session
from storage.reports import daily_plan, daily_rollup
from storage.reports import groups as report_groups
from storage.reports.daily_plan import Plan
from storage.reports.daily_rollup import OPENED, RESOLVED
from storage.reports.groups import ALL, Where
from storage.tables.learning import incidents
from storage.tables.reports import day_figures as day_table
from storage.tables.reports import ticket_facts
from storage.tables.tickets import agents, memberships, people, teams

f, d = ticket_facts.c, day_table.c
DIMENSIONS = ("channel", "category", "priority")
BANDS = (("under a day", 1), ("1 to 3 days", 3), ("3 to 7 days", 7), ("7 to 30 days", 30), ("over 30 days", None))
_BY = ("team_id", "agent_id")


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which tickets, besides the period; empty or None means all. `seen_by`: only of these teams, or of this agent."""

    team: int | None = None
    agent: int | None = None
    channel: str = ""
    category: str = ""
    priority: str = ""
    seen_by: tuple[tuple[int, ...], int] | None = None

    def where(self, columns: Any = f) -> list[sa.ColumnElement[bool]]:
        """As conditions on tickets."""
        names = [name for name in DIMENSIONS if getattr(self, name)]
        return [*self._whose(columns), *(columns[name] == getattr(self, name) for name in names)]

    def view(self) -> str | None:
        """The view of sums by day that answers it; None if there is none."""
        names = [name for name in DIMENSIONS if getattr(self, name)]
        return None if len(names) > 1 else "".join(names)

    def where_days(self) -> list[sa.ColumnElement[bool]]:
        """As conditions on sums by day, of its view."""
        view = self.view()
        return [*self._whose(d), *([d.value == getattr(self, view)] if view else [])]

    def _whose(self, columns: Any) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = []
        for column, value in ((columns.team_id, self.team), (columns.agent_id, self.agent)):
            conditions += [] if value is None else [column == value]
        if self.seen_by is not None:
            mine, me = self.seen_by
            conditions.append(columns.team_id.in_(mine) | (columns.agent_id == me))
        return conditions


def report(session: Session, period: Period, query: ReportQuery, now: datetime) -> Report:
    """All figures of a period."""
    whose = [*query.where(), *visibility.team_condition(session, f.team_id)]
    plans = [_plan(session, part, query, whose) for part in (period, period.before)]
    opened, resolved = _both(session, period, plans[0], whose, _BY)
    earlier = [by_key.get(ALL, Group()) for by_key in _both(session, period.before, plans[1], whose, ())]
    backlog = _open_now(session, whose, now)
    came, went, hours = _volume_over_time(session, period, plans[0], whose)
    return Report(
        period=period,
        as_of=now,
        now=Headline(opened.get(ALL, Group()), resolved.get(ALL, Group())),
        before=Headline(*earlier),
        days=_days(session, period, whose, backlog.count, came, went),
        hours=hours,
        volume=_volume(session, period, plans[0], whose),
        statuses=backlog.statuses,
        ages=backlog.ages,
        incidents=_incidents(session, period),
        teams=_lines("team_id", opened, resolved, backlog.teams, _team_names(session)),
        agents=_lines("agent_id", opened, resolved, backlog.agents, _agent_names(session)),
        error=quantile_sketch.ERROR if any(plans) else 0.0,
    )


def _plan(session: Session, period: Period, query: ReportQuery, whose: Where) -> Plan | None:
    view = query.view()
    if view is None:
        return None
    return daily_plan.plan(
        session, period, view, whose, [*query.where_days(), *visibility.team_condition(session, d.team_id)]
    )


def teams_of(session: Session, agent_id: int) -> tuple[int, ...]:
    """The teams of which this agent is a member."""
    query = sa.select(memberships.c.team_id).where(memberships.c.agent_id == agent_id)
    return tuple(session.execute(query.order_by(memberships.c.team_id)).scalars())


def _within(column: sa.ColumnElement[Any], period: Period) -> list[sa.ColumnElement[bool]]:
    return [column >= period.start, column < period.end]


def _both(
    session: Session, period: Period, plan: Plan | None, whose: Where, by: Sequence[str]
) -> tuple[dict[Any, Group], ...]:
    """Of the tickets opened, and of those resolved."""
    return (
        _groups(session, period, plan, whose, OPENED, by),
        _groups(session, period, plan, whose, RESOLVED, by),
    )


def _groups(
    session: Session, period: Period, plan: Plan | None, whose: Where, side: str, by: Sequence[str]
) -> dict[Any, Group]:
    """Where no team has business hours, all hours are: then they are counted once."""
    at, targets = (f.opened_at, (FIRST, NEXT)) if side == OPENED else (f.resolved_at, (RESOLUTION,))
    query = sa.select(teams.c.id).where(teams.c.calendar_id.is_not(None)).limit(1)
    kinds = ("seconds",) if session.execute(query).first() is None else ("seconds", "business")
    times = [f"{name}_{kind}" for name in targets for kind in kinds]
    if plan is not None:
        by_key = daily_plan.groups(session, plan, side, times, targets, by)
    else:
        by_key = report_groups.groups(session, [*_within(at, period), *whose], times, targets, by)
    if len(kinds) > 1:
        return by_key
    return {key: replace(group, times=_both_kinds(group.times)) for key, group in by_key.items()}


def _both_kinds(times: Mapping[str, Spread]) -> dict[str, Spread]:
    return {
        name.replace("_seconds", kind): spread for name, spread in times.items() for kind in ("_seconds", "_business")
    }


def _volume_over_time(
    session: Session, period: Period, plan: Plan | None, whose: Where
) -> tuple[Counter[date], Counter[date], list[list[int]]]:
    """Day → opened, day → resolved, and the hours of the week in which tickets were opened."""
    spans = ([*_within(f.opened_at, period), *whose], [*_within(f.resolved_at, period), *whose])
    if plan is not None:
        spans = (plan.tickets(OPENED), plan.tickets(RESOLVED))
    slots = [_slots(session, f.opened_slot, spans[0]), _slots(session, f.resolved_slot, spans[1])]
    came, went = (_by_day(by_slot, period.zone) for by_slot in slots)
    hours = _hours(slots[0], period.zone)
    if plan is None:
        return came, went, hours
    added = daily_plan.hours(session, plan)
    by_hour = [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(hours, added, strict=True)]
    return came + daily_plan.by_day(session, plan, OPENED), went + daily_plan.by_day(session, plan, RESOLVED), by_hour


def _slots(session: Session, slot: sa.ColumnElement[Any], where: Where) -> dict[int, int]:
    """Quarter of an hour → tickets."""
    rows: Any = session.execute(sa.select(slot, sa.func.count()).where(*where).group_by(slot))
    return {row[0]: row[1] for row in rows}


def _days(
    session: Session, period: Period, whose: Where, left: int, opened: Mapping[date, int], resolved: Mapping[date, int]
) -> list[Day]:
    """Each day, with the backlog at its end: counted backwards from the backlog now."""
    left -= _count(session, [*whose, f.opened_at >= period.end])
    left += _count(session, [*whose, f.resolved_at >= period.end])
    day_list: list[Day] = []
    for day in reversed(list(period.days())):
        day_list.append(Day(day, opened.get(day, 0), resolved.get(day, 0), left))
        left += resolved.get(day, 0) - opened.get(day, 0)
    return day_list[::-1]


def _by_day(slots: Mapping[int, int], zone: str) -> Counter[date]:
    counter: Counter[date] = Counter()
    for slot, count in slots.items():
        counter[daily_rollup.day_of(slot, zone)] += count
    return counter


def _hours(slots: Mapping[int, int], zone: str) -> list[list[int]]:
    week = [[0] * 24 for _ in range(7)]
    for slot, count in slots.items():
        here = _local_time(slot, zone)
        week[here.weekday()][here.hour] += count
    return week


def _local_time(slot: int, zone: str) -> datetime:
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC).astimezone(ZoneInfo(zone))


def _count(session: Session, where: Where) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(ticket_facts).where(*where)).scalar_one())


def _volume(session: Session, period: Period, plan: Plan | None, whose: Where) -> dict[str, list[tuple[str, int]]]:
    """By channel, category and priority: name → opened tickets, the most first."""
    # Each view knows one of them; what was asked of one is counted for the others.
    if plan is None or plan.view:
        by_dimension = _counted(session, [*_within(f.opened_at, period), *whose])
    else:
        by_dimension = daily_plan.volume(session, plan, DIMENSIONS)
        for name, more in _counted(session, plan.tickets(OPENED)).items():
            by_dimension[name].update(more)
    return {
        name: sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])) for name, counter in by_dimension.items()
    }


def _counted(session: Session, where: Where) -> dict[str, Counter[str]]:
    """All three in one query."""
    keys = [f[name] for name in DIMENSIONS]
    by_dimension: dict[str, Counter[str]] = {name: Counter() for name in DIMENSIONS}
    rows: Any = session.execute(sa.select(*keys, sa.func.count()).where(*where).group_by(*keys))
    for *names, count in rows:
        for name, value in zip(DIMENSIONS, names, strict=True):
            by_dimension[name][value] += count
    return by_dimension


@dataclass(frozen=True, slots=True)
class _Open:
    """The backlog now, counted in one query."""

    statuses: Mapping[str, int]
    bands: Mapping[int, int]
    teams: Mapping[Any, int]
    agents: Mapping[Any, int]

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    @property
    def ages(self) -> list[tuple[str, int]]:
        return [(name, self.bands.get(place, 0)) for place, (name, _) in enumerate(BANDS)]


def _open_now(session: Session, whose: Where, now: datetime) -> _Open:
    bands = [now - timedelta(days=days) for _, days in BANDS if days is not None]
    band = sa.case(*((f.opened_at > since, place) for place, since in enumerate(bands)), else_=len(bands)).label("band")
    keys = (f.status, band, f.team_id, f.agent_id)
    counters: tuple[Counter[Any], ...] = (Counter(), Counter(), Counter(), Counter())
    query = sa.select(*keys, sa.func.count()).where(*whose, f.resolved_at.is_(None)).group_by(*keys)
    rows: Any = session.execute(query)
    for *values, count in rows:
        for counter, value in zip(counters, values, strict=True):
            counter[value] += count
    statuses, places, of_teams, of_agents = map(dict, counters)
    return _Open(statuses, places, of_teams, of_agents)


def _incidents(session: Session, period: Period) -> int:
    """Incidents that began in the period, without dismissed ones."""
    at = incidents.c.opened_at
    where = [*_within(at, period), incidents.c.state != "dismissed"]
    return int(session.execute(sa.select(sa.func.count()).select_from(incidents).where(*where)).scalar_one())


def _team_names(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(sa.select(teams.c.id, teams.c.name))}


def _agent_names(session: Session) -> dict[int, str]:
    name = sa.func.coalesce(sa.func.nullif(people.c.name, ""), people.c.address).label("name")
    query = sa.select(people.c.id, name).join(agents, agents.c.id == people.c.id)
    return {row.id: row.name for row in session.execute(query)}


def _lines(
    name: str,
    opened: Mapping[Any, Group],
    resolved: Mapping[Any, Group],
    open_by: Mapping[Any, int],
    names: Mapping[int, str],
) -> list[Line]:
    """One line for each that had tickets, the busiest first."""
    ids = {key[1] for by_key in (opened, resolved) for key in by_key if key[0] == name} | set(open_by)
    lines = [
        Line(
            group_id,
            names.get(group_id, f"#{group_id}") if group_id is not None else "nobody",
            open_by.get(group_id, 0),
            opened.get((name, group_id), Group()),
            resolved.get((name, group_id), Group()),
        )
        for group_id in ids
    ]
    return sorted(lines, key=lambda line: (-line.resolved.count, -line.open, line.name))
