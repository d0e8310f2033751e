"""Groups of tickets in a report: counts, shares, means, medians and p90 of the desk, each team and each agent.

Median and p90 are values that occurred (the lowest value that half, or nine tenths, do not exceed), the same on both
databases: PostgreSQL sorts itself; SQLite returns each group's values as one text, which is sorted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from operator import add
from typing import Any

import sqlalchemy as sa

from desk.reports.quantile_sketch import SHARES
from desk.reports.report import Group, Spread
from storage.db.session import Session
from storage.reports import daily_rollup
from storage.tables.reports import STATUSES, ticket_facts

f = ticket_facts.c

Key = tuple[str, int | None]
ALL: Key = ("", None)
Where = Sequence[sa.ColumnElement[bool]]


def groups(
    session: Session, where: Where, times: Sequence[str], targets: Sequence[str], by: Sequence[str]
) -> dict[Key, Group]:
    """The tickets as a whole, and by each of the columns `by`."""
    if session.postgres:
        return _group_postgres(session, where, times, targets, by)
    return _group_sqlite(session, where, times, targets, by)


def _sums(targets: Sequence[str]) -> dict[str, sa.ColumnElement[Any]]:
    """What is added up."""
    expressions = daily_rollup.sum_columns()
    return {name: expressions[name] for name in names(targets)}


def names(targets: Sequence[str]) -> list[str]:
    """The names of a group's figures, besides its count and its durations."""
    promises = [f"{outcome}_{target}" for target in targets for outcome in ("kept", "broken")]
    return [*daily_rollup.FLAGS, "score_sum", *promises, *(f"seconds_{status}" for status in STATUSES)]


def _group_postgres(
    session: Session, where: Where, times: Sequence[str], targets: Sequence[str], by: Sequence[str]
) -> dict[Key, Group]:
    sums = _sums(targets)
    columns: list[Any] = [sa.func.count()]
    columns += [sa.func.coalesce(sa.func.sum(value), 0) for value in sums.values()]
    for name in times:
        spread = sa.func.percentile_disc(sa.cast(list(SHARES), sa.ARRAY(sa.Float))).within_group(f[name])
        columns += [sa.func.count(f[name]), sa.func.avg(f[name]), spread]
    sets = sa.func.grouping_sets(sa.tuple_(), *(sa.tuple_(f[name]) for name in by))
    keys = [f[name] for name in by]
    which = [sa.func.grouping(key) for key in keys]
    by_key: dict[Key, Group] = {}
    query = sa.select(*keys, *which, *columns).where(*where)
    for row in session.execute(query.group_by(sets) if by else query):
        key = next(((n, row[i]) for i, n in enumerate(by) if row[len(by) + i] == 0), ALL)
        values = list(row[2 * len(by) :])
        if not values[0]:
            continue
        totals = dict(zip(sums, (int(v) for v in values[1 : 1 + len(sums)]), strict=True))
        parts = values[1 + len(sums) :]
        spreads = {n: _spread(*parts[3 * i : 3 * i + 3]) for i, n in enumerate(times)}
        by_key[key] = group(int(values[0]), totals, spreads, targets)
    return by_key


def _spread(count: int, mean: Any, shares: Sequence[int] | None) -> Spread:
    return Spread(count, float(mean), shares[0], shares[1]) if count and shares else Spread()


@dataclass(slots=True)
class _Sum:
    """The sums of some tickets; adding them makes groups."""

    count: int = 0
    told: list[int] = field(default_factory=list)
    times: list[list[int]] = field(default_factory=list)

    def add(self, other: _Sum) -> None:
        self.count += other.count
        self.told = list(map(add, self.told, other.told)) if self.told else other.told
        self.times = list(map(add, self.times, other.times)) if self.times else other.times


def _group_sqlite(
    session: Session, where: Where, times: Sequence[str], targets: Sequence[str], by: Sequence[str]
) -> dict[Key, Group]:
    sums = _sums(targets)
    keys = [f[name] for name in by]
    columns = [*keys, sa.func.count(), *map(sa.func.sum, sums.values()), *(sa.func.group_concat(f[n]) for n in times)]
    query = sa.select(*columns).where(*where)
    by_key: dict[Key, _Sum] = {}
    for row in session.execute(query.group_by(*keys) if keys else query):
        partial = _summed(list(row[len(by) :]), len(sums))
        for key in (ALL, *zip(by, row[: len(by)], strict=True)):
            by_key.setdefault(key, _Sum()).add(partial)
    return {key: _of_sum(partial, list(sums), times, targets) for key, partial in by_key.items() if partial.count}


def _summed(values: list[Any], sums: int) -> _Sum:
    # One text a group is read faster than one row a ticket.
    lists = [json.loads(f"[{text or ''}]") for text in values[1 + sums :]]
    return _Sum(values[0], [value or 0 for value in values[1 : 1 + sums]], [sorted(lengths) for lengths in lists])


def _of_sum(totals: _Sum, sums: Sequence[str], times: Sequence[str], targets: Sequence[str]) -> Group:
    spreads = {name: spread(values) for name, values in zip(times, totals.times, strict=True)}
    return group(totals.count, dict(zip(sums, totals.told, strict=True)), spreads, targets)


def spread(values: Iterable[int]) -> Spread:
    """Median and p90, as PostgreSQL's percentile_disc computes them."""
    ordered = sorted(values)
    if not ordered:
        return Spread()
    middle, high = (ordered[ceil(share * len(ordered)) - 1] for share in SHARES)
    return Spread(len(ordered), sum(ordered) / len(ordered), middle, high)


def group(count: int, totals: Mapping[str, int], times: Mapping[str, Spread], targets: Sequence[str]) -> Group:
    """From what was added up, by `names`."""
    return Group(
        count=count,
        one_touch=totals["one_touch"],
        reopened=totals["reopened"],
        rated=totals["rated"],
        good=totals["good"],
        score_sum=totals["score_sum"],
        kept={target: totals[f"kept_{target}"] for target in targets},
        broken={target: totals[f"broken_{target}"] for target in targets},
        seconds_in={status: totals[f"seconds_{status}"] for status in STATUSES},
        times=times,
    )
