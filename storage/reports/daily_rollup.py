"""Daily sums: for each day, team and agent the figures of all tickets that were opened, or resolved, on that day.

The database makes the rows of `day_figures` from `ticket_facts` in a few statements a day, in the desk's time zone;
each of four views (all, by channel, by category, by priority) has all figures. A day is always summed again as a
whole, so nothing is added twice. A day with a changed figure is "loose" until it is summed again: reports count its
tickets one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from desk.reports.period import Period
from desk.reports.quantile_sketch import FIRST
from desk.reports.ticket_figures import SLOT_SECONDS, TARGETS
from storage.db.session import Session
from storage.db.statements import insert, insert_rows
from storage.runtime import key_values
from storage.tables.reports import STATUSES, day_figures, loose_days, ticket_facts

STATE = "day_figures"
QUIET = timedelta(days=1)
"""A day is left loose until nothing changed in it for so long: the newest days change all the time."""
MOST_LOOSE = 45
"""More loose days than these are summed up sooner, once they are CALM; those that changed last stay loose."""
CALM = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DAY_QUARTERS = 128
"""More than any day has quarters of an hour: a quarter is known by the remainder."""
GOOD = 4
"""A score from here on is a good one."""
VIEWS = ("", "channel", "category", "priority")
OPENED, RESOLVED = "opened", "resolved"
SIDES = (OPENED, RESOLVED)
WIDTHS = {OPENED: 4, RESOLVED: 2}
"""How many letters a ticket has on each side."""

f, d = ticket_facts.c, day_figures.c
FLAGS = {"one_touch": f.one_touch, "reopened": f.reopened > 0, "rated": f.score.is_not(None), "good": f.score >= GOOD}


def sum_columns() -> dict[str, sa.ColumnElement[Any]]:
    """The columns that are summed, by name: each is 0 or 1 per ticket, or a number."""
    expressions: dict[str, sa.ColumnElement[Any]] = {name: sa.case((flag, 1), else_=0) for name, flag in FLAGS.items()}
    expressions["score_sum"] = sa.func.coalesce(f.score, 0)
    for target in TARGETS:
        met = f[f"met_{target}"]
        expressions[f"kept_{target}"] = sa.case((met, 1), else_=0)
        expressions[f"broken_{target}"] = sa.case((sa.not_(met), 1), else_=0)
    expressions |= {f"seconds_{status}": f[f"seconds_{status}"] for status in STATUSES}
    lengths = [f"{target}_{kind}" for target in TARGETS for kind in ("seconds", "business")]
    return expressions | {name: sa.func.coalesce(f[name], 0) for name in lengths}


def length_codes(side: str) -> sa.ColumnElement[str]:
    """The durations of a side of a day: four letters for each opened ticket, two for each resolved one."""
    return sa.func.substr(f.letters, 1, 4) if side == OPENED else sa.func.substr(f.letters, 5, 2)


def stored_zone(session: Session) -> str:
    """The time zone of the sums; empty while there are none."""
    value = key_values.get(session, STATE)
    return str(value["zone"]) if isinstance(value, Mapping) else ""


def start_zone(session: Session, name: str) -> None:
    """Changes the time zone of the sums; all days are loose then, and due."""
    key_values.put(session, STATE, {"zone": name})
    session.execute(sa.delete(loose_days))
    query = sa.select(sa.func.min(f.opened_at), sa.func.max(f.opened_at), sa.func.max(f.resolved_at))
    moments = [moment for moment in session.execute(query).one() if moment is not None]
    there = session.execute(sa.select(sa.func.min(d.day), sa.func.max(d.day))).one()
    days = [moment for moment in there if moment is not None] + [
        moment.astimezone(ZoneInfo(name)).date() for moment in moments
    ]
    if days:
        all_days = Period(min(days), max(days)).days()
        insert_rows(session, loose_days, [{"day": day, "changed_at": LONG_AGO} for day in all_days])


def mark_loose(session: Session, slots: Iterable[int], now: datetime) -> None:
    """Marks the days in which these quarters of an hour lie, because a figure changed."""
    name = stored_zone(session)
    days = sorted({day_of(slot, name) for slot in slots}) if name else []
    if days:
        statement: Any = insert(session, loose_days)
        changed = {"changed_at": statement.excluded.changed_at}
        rows = [{"day": day, "changed_at": now} for day in days]
        session.execute(statement.on_conflict_do_update(index_elements=["day"], set_=changed), rows)


@lru_cache(4096)
def day_of(slot: int, name: str) -> date:
    """The day of a zone in which a quarter of an hour lies."""
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC).astimezone(ZoneInfo(name)).date()


def list_loose(session: Session, first: date, last: date) -> list[date]:
    """The loose days among these."""
    query = sa.select(loose_days.c.day).where(loose_days.c.day >= first, loose_days.c.day <= last)
    return list(session.execute(query.order_by(loose_days.c.day)).scalars())


def due_days(session: Session, now: datetime, most: int) -> list[date]:
    """The next days to sum: those without a recent change, longest first; if too many wait, also calmer ones."""
    changed = loose_days.c.changed_at
    rows = session.execute(sa.select(loose_days.c.day, changed).order_by(changed, loose_days.c.day)).all()
    some = len(rows) - MOST_LOOSE
    quiet = [row.changed_at <= now - (CALM if place < some else QUIET) for place, row in enumerate(rows)]
    return [row.day for row, over in zip(rows, quiet, strict=True) if over][:most]


def sum_up(session: Session, day: date, name: str) -> None:
    """This day holds from now on."""
    session.execute(_OLD, {"of_day": day})
    for view in VIEWS:
        for side in SIDES:
            session.execute(_insert(view, side, session.postgres), _span(day, name))
    session.execute(sa.delete(loose_days).where(loose_days.c.day == day))


def summed_days(session: Session) -> list[date]:
    """The days with valid sums."""
    query = sa.select(d.day).where(d.view == "", d.day.not_in(sa.select(loose_days.c.day))).distinct()
    return list(session.execute(query.order_by(d.day)).scalars())


def differs(session: Session, day: date, name: str) -> bool:
    """Whether the stored rows of this day differ from what they should be."""
    stored = session.execute(_STORED, {"of_day": day})
    queries = [_of_day(view, side, session.postgres) for view in VIEWS for side in SIDES]
    expected = (row for query in queries for row in session.execute(query, _span(day, name)))
    return sorted(map(_plain, stored)) != sorted(map(_plain, expected))


_IS_OF_DAY = (d.view.in_(VIEWS), d.side.in_(SIDES), d.day == sa.bindparam("of_day"))
_OLD = sa.delete(day_figures).where(*_IS_OF_DAY)
_STORED = sa.select(*day_figures.c).where(*_IS_OF_DAY)


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """Numbers as numbers; and without the order of the tickets, which is nobody's."""
    *values, text, quarters = row
    width = WIDTHS[values[1]]
    numbers = (value if isinstance(value, (str, date)) else int(value) for value in values)
    return (*numbers, *sorted(text[start : start + width] for start in range(0, len(text), width)), *sorted(quarters))


def _span(day: date, name: str) -> dict[str, Any]:
    span = Period(day, day, name)
    return {"of_day": day, "starts": span.start, "ends": span.end}


@cache
def _insert(view: str, side: str, postgres: bool) -> sa.Insert:
    """Made once: building it takes longer than a day of a small desk."""
    query = _of_day(view, side, postgres)
    return sa.insert(day_figures).from_select([column.name for column in query.selected_columns], query)


@cache
def _of_day(view: str, side: str, postgres: bool) -> sa.Select[Any]:
    at = f.opened_at if side == OPENED else f.resolved_at
    letter = sa.func.chr if postgres else sa.func.char
    quarter = letter(sa.cast(f.opened_slot % DAY_QUARTERS + FIRST, sa.Integer))
    columns = {
        "view": sa.literal(view),
        "side": sa.literal(side),
        "day": sa.bindparam("of_day", type_=sa.Date),
        "value": f[view] if view else sa.literal(""),
        "team_id": sa.func.coalesce(f.team_id, 0),
        "agent_id": sa.func.coalesce(f.agent_id, 0),
        "count": sa.func.count(),
        **{name: sa.func.sum(value) for name, value in sum_columns().items()},
        "letters": sa.func.aggregate_strings(length_codes(side), ""),
        "quarters": sa.func.aggregate_strings(quarter, "") if side == OPENED else sa.literal(""),
    }
    keys = [f.team_id, f.agent_id, *([f[view]] if view else [])]
    query = sa.select(*(value.label(name) for name, value in columns.items()))
    starts, ends = (sa.bindparam(name, type_=at.type) for name in ("starts", "ends"))
    return query.where(at >= starts, at < ends).group_by(*keys)
