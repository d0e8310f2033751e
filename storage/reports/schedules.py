"""Reports that are mailed each week or month: their rows, and which of them are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.desk import report_schedules

EVERY = ("week", "month")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`content` says which tickets: `team` (a number), `channel`, `category`, `priority`. `every`: week or month."""

    name: str
    recipients: Sequence[str]
    every: str = "week"
    next_at: datetime | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


def list_all(session: Session) -> list[Schedule]:
    rows = session.execute(sa.select(report_schedules).order_by(report_schedules.c.name))
    return [Schedule(**row._mapping) for row in rows]


def get_by_name(session: Session, name: str) -> Schedule | None:
    return next((schedule for schedule in list_all(session) if schedule.name.lower() == name.strip().lower()), None)


def save(session: Session, schedule: Schedule) -> None:
    """Stores the schedule by its name; an existing one gets the new recipients and contents."""
    values = {"recipients": list(schedule.recipients), "every": schedule.every, "next_at": schedule.next_at}
    upsert(
        session,
        report_schedules,
        ("name",),
        values | {"name": schedule.name.strip(), "content": dict(schedule.content)},
    )


def remove(session: Session, name: str) -> bool:
    query = sa.delete(report_schedules).where(sa.func.lower(report_schedules.c.name) == name.strip().lower())
    return session.execute(query).rowcount == 1


def due_schedules(session: Session, now: datetime) -> list[Schedule]:
    return [schedule for schedule in list_all(session) if schedule.next_at is not None and schedule.next_at <= now]


def set_next(session: Session, schedule: Schedule, next_at: datetime) -> bool:
    """Stores the next time; False if another process has sent this one."""
    c = report_schedules.c
    query = sa.update(report_schedules).where(c.id == schedule.id, c.next_at == schedule.next_at)
    return session.execute(query.values(next_at=next_at)).rowcount == 1
