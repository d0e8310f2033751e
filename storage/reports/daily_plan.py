"""Reports on many tickets: adds up the daily sums, and counts single tickets only for days without a valid sum.

Counts, sums and means equal those of `storage/reports/groups.py`; medians and p90 are as near as
`desk/reports/quantile_sketch.py` promises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import add
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from desk.reports import quantile_sketch
from desk.reports.period import Period
from desk.reports.report import Group
from desk.reports.ticket_figures import SLOT_SECONDS, TARGETS, slot
from storage.db.session import Session
from storage.reports import daily_rollup
from storage.reports import groups as report_groups
from storage.reports.daily_rollup import DAY_QUARTERS, OPENED, WIDTHS
from storage.reports.groups import ALL, Key, Where
from storage.tables.reports import day_figures as table
from storage.tables.reports import ticket_facts

EXACT_TICKETS = 20_000
"""With fewer tickets than these in it a period is counted ticket by ticket."""
LENGTHS = tuple(f"{target}_{kind}" for target in TARGETS for kind in ("seconds", "business"))

f, d = ticket_facts.c, table.c
Hours = list[list[int]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a period is added up.

    `whose` as conditions on tickets and on sums; `loose` are the spans whose tickets are counted.
    """

    period: Period
    view: str
    whose: Where
    whose_days: Where
    loose_days: Sequence[date]
    loose: Sequence[Period]

    def summed(self, side: str, *views: str) -> list[sa.ColumnElement[bool]]:
        where = [d.view.in_(views or (self.view,)), d.side == side, *self.whose_days]
        where += [d.day >= self.period.first, d.day <= self.period.last]
        return [*where, d.day.not_in(self.loose_days)] if self.loose_days else where

    def tickets(self, side: str) -> list[sa.ColumnElement[bool]]:
        at = f.opened_at if side == OPENED else f.resolved_at
        spans = [sa.and_(at >= span.start, at < span.end) for span in self.loose]
        return [sa.or_(sa.false(), *spans), *self.whose]


def plan(session: Session, period: Period, view: str, whose: Where, whose_days: Where) -> Plan | None:
    """The plan for this period; None if counting its tickets is cheaper."""
    if not _is_large(session, period) or daily_rollup.stored_zone(session) != period.zone:
        return None
    loose = daily_rollup.list_loose(session, period.first, period.last)
    # Where most days are loose nothing is won.
    if 2 * len(loose) > period.length:
        return None
    return Plan(period, view, whose, whose_days, loose, list(_spans(loose, period.zone)))


def _is_large(session: Session, period: Period) -> bool:
    some = sa.select(f.ticket_id).where(f.opened_at >= period.start, f.opened_at < period.end).limit(EXACT_TICKETS + 1)
    count = session.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()
    return bool(count > EXACT_TICKETS)


def _spans(days: Sequence[date], zone: str) -> Iterator[Period]:
    """Consecutive days as one span."""
    first = None
    for place, day in enumerate(days):
        first = first or day
        if place + 1 == len(days) or (days[place + 1] - day).days > 1:
            yield Period(first, day, zone)
            first = None


@dataclass(slots=True)
class _Sum:
    """The sums of some tickets; adding them makes groups."""

    count: int = 0
    told: list[int] = field(default_factory=list)
    letters: list[Counter[str]] = field(default_factory=list)

    def add(self, other: _Sum) -> None:
        self.count += other.count
        self.told = list(map(add, self.told, other.told)) if self.told else other.told
        if not self.letters:
            self.letters = [Counter() for _ in other.letters]
        for mine, theirs in zip(self.letters, other.letters, strict=True):
            mine.update(theirs)


def groups(
    session: Session, query_plan: Plan, side: str, times: Sequence[str], targets: Sequence[str], by: Sequence[str]
) -> dict[Key, Group]:
    """The tickets as a whole, and by each of the columns `by`."""
    names = [*report_groups.names(targets), *times]
    sums_by_key: dict[Key, _Sum] = {}
    for keys, partial in _sums(session, query_plan, side, names, times, by):
        for key in (ALL, *zip(by, keys, strict=True)):
            sums_by_key.setdefault(key, _Sum()).add(partial)
    return {key: _group(partial, names, times, targets) for key, partial in sums_by_key.items()}


def _sums(
    session: Session, query_plan: Plan, side: str, names: Sequence[str], times: Sequence[str], by: Sequence[str]
) -> Iterator[tuple[list[int | None], _Sum]]:
    places = [LENGTHS.index(name) - (0 if side == OPENED else WIDTHS[OPENED]) for name in times]
    for query in _queries(query_plan, side, names, by):
        for row in session.execute(query):
            keys, (count, *totals, text) = row[: len(by)], row[len(by) :]
            if count:
                letters = [quantile_sketch.counted(text[place :: WIDTHS[side]]) for place in places]
                yield [key or None for key in keys], _Sum(int(count), [int(value or 0) for value in totals], letters)


def _queries(query_plan: Plan, side: str, names: Sequence[str], by: Sequence[str]) -> Iterator[sa.Select[Any]]:
    """Of the days that hold, and of the tickets of the others."""
    keys: list[sa.ColumnElement[Any]] = [d[name] for name in by]
    expressions: list[sa.ColumnElement[Any]] = [sa.func.sum(d[name]) for name in ("count", *names)]
    query = sa.select(*keys, *expressions, sa.func.aggregate_strings(d.letters, "")).where(*query_plan.summed(side))
    yield query.group_by(*keys)
    if query_plan.loose:
        keys, sums = [f[name] for name in by], daily_rollup.sum_columns()
        expressions = [sa.func.count(), *(sa.func.sum(sums[name]) for name in names)]
        text = sa.func.aggregate_strings(daily_rollup.length_codes(side), "")
        yield sa.select(*keys, *expressions, text).where(*query_plan.tickets(side)).group_by(*keys)


def _group(totals: _Sum, names: Sequence[str], times: Sequence[str], targets: Sequence[str]) -> Group:
    by_name = dict(zip(names, totals.told, strict=True))
    spreads = {
        name: quantile_sketch.spread(letters, by_name[name])
        for name, letters in zip(times, totals.letters, strict=True)
    }
    return report_groups.group(totals.count, by_name, spreads, targets)


def by_day(session: Session, query_plan: Plan, side: str) -> Counter[date]:
    """Day → tickets, from the days with valid sums."""
    query = sa.select(d.day, sa.func.sum(d["count"])).where(*query_plan.summed(side)).group_by(d.day)
    rows: Any = session.execute(query)
    return Counter({day: int(count) for day, count in rows})


def hours(session: Session, query_plan: Plan) -> Hours:
    """Seven days by twenty-four hours, from the days with valid sums."""
    week = [[0] * 24 for _ in range(7)]
    text = sa.func.aggregate_strings(d.quarters, "")
    rows: Any = session.execute(sa.select(d.day, text).where(*query_plan.summed(OPENED)).group_by(d.day))
    for day, quarters in rows:
        of_day = week[day.weekday()]
        for hour, count in _of_day(Period(day, day, query_plan.period.zone), Counter(quarters)):
            of_day[hour] += count
    return week


def _of_day(day: Period, quarters: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Hour and tickets; a letter is the remainder of a quarter since 1970."""
    first, plain = slot(day.start), day.end.timestamp() - day.start.timestamp() == 24 * 3600
    for quarter, count in quarters.items():
        since = (ord(quarter) - quantile_sketch.FIRST - first) % DAY_QUARTERS
        if plain:
            yield since * SLOT_SECONDS // 3600, count
        else:
            yield datetime.fromtimestamp((first + since) * SLOT_SECONDS, ZoneInfo(day.zone)).hour, count


def volume(session: Session, query_plan: Plan, views: Sequence[str]) -> dict[str, Counter[str]]:
    """View → name → opened tickets, from the days with valid sums."""
    query = sa.select(d.view, d.value, sa.func.sum(d["count"])).where(*query_plan.summed(OPENED, *views))
    rows: Any = session.execute(query.group_by(d.view, d.value))
    by_view: dict[str, Counter[str]] = {view: Counter() for view in views}
    for view, value, count in rows:
        by_view[view][value] += int(count)
    return by_view
