"""Rows of calendars (business hours and days off), checked before they are stored.

`to_calendar` makes the calendar of `desk/sla/business_hours.py` from a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from desk.sla import business_hours
from desk.sla.business_hours import BadCalendar, Calendar
from storage.db.session import Session
from storage.db.statements import upsert
from storage.sla import timers as sla_timers
from storage.sla.holidays import days_off
from storage.tables.desk import calendars
from storage.tables.tickets import agents, people, teams


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A calendar as it is kept. `slots`: `[{"days": "mon-fri", "from": "09:00", "to": "17:00"}]`; for `holidays` see
    `storage/sla/holidays.py`."""

    name: str
    time_zone: str = "UTC"
    slots: Sequence[Mapping[str, str]] = ()
    holidays: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


def list_all(session: Session) -> list[CalendarRow]:
    query = sa.select(calendars).order_by(sa.func.lower(calendars.c.name))
    return [CalendarRow(**row._mapping) for row in session.execute(query)]


def get(session: Session, calendar_id: int) -> CalendarRow | None:
    row = session.execute(sa.select(calendars).where(calendars.c.id == calendar_id)).first()
    return CalendarRow(**row._mapping) if row else None


def get_by_name(session: Session, name: str) -> CalendarRow | None:
    """The calendar of that name, in any letter case."""
    return next((calendar for calendar in list_all(session) if calendar.name.lower() == name.strip().lower()), None)


def save(session: Session, calendar: CalendarRow) -> CalendarRow:
    """Stores a calendar by its id, or by its name if it has none; BadCalendar if it is not valid."""
    if not calendar.name.strip():
        raise BadCalendar("calendar: a name is missing")
    to_calendar(calendar)
    values: dict[str, Any] = {
        "name": calendar.name.strip(),
        "time_zone": calendar.time_zone or "UTC",
        "slots": [dict(slot) for slot in calendar.slots],
        "holidays": dict(calendar.holidays),
    }
    stored = get(session, calendar.id) if calendar.id else get_by_name(session, calendar.name)
    if calendar.id:
        session.execute(sa.update(calendars).where(calendars.c.id == calendar.id).values(**values))
    else:
        upsert(session, calendars, ("name",), values)
    same_name = get_by_name(session, calendar.name)
    assert same_name is not None
    if stored is None or to_calendar(stored) is not to_calendar(same_name):
        sla_timers.request_recalculation(session, f"calendar {same_name.name} changed")
    return same_name


def remove(session: Session, calendar_id: int) -> None:
    session.execute(sa.delete(calendars).where(calendars.c.id == calendar_id))


def list_users(session: Session, calendar_id: int) -> list[str]:
    """The teams and agents that use the calendar."""
    named = sa.select(teams.c.name).where(teams.c.calendar_id == calendar_id)
    working = sa.select(people.c.address).join(agents, agents.c.id == people.c.id)
    agent_ids = session.execute(working.where(agents.c.calendar_id == calendar_id)).scalars()
    return [*session.execute(named).scalars(), *agent_ids]


def to_calendar(row: CalendarRow) -> Calendar:
    """The calendar of a row; the same object for the same row, so that what was computed once is not computed again."""
    key = json.dumps([row.time_zone, list(row.slots), row.holidays], sort_keys=True, default=dict)
    return _parse(key, f"calendar {row.name!r}")


def by_id(session: Session) -> dict[int, tuple[str, Calendar]]:
    """Every calendar: its name and what it means."""
    return {row.id: (row.name, to_calendar(row)) for row in list_all(session)}


@lru_cache(maxsize=256)
def _parse(key: str, place: str) -> Calendar:
    zone, slots, off = json.loads(key)
    return business_hours.read(zone, slots, days_off(off, f"{place}.holidays"), place)
