"""Rows whose processing failed: postponed with the reason, retried later, and after the last retry left for people.

A row is named by its job and its id. The reason is the kind of the error and its place in the code, never its text,
because that may quote a requester. Whoever claims rows for a job leaves out the postponed ones (`ready_condition`).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import read_counts, upsert
from storage.tables.runtime import failures

PAUSES = (timedelta(seconds=10), timedelta(minutes=2))
"""Pauses after the first and second failure; after the third the row is given up until somebody has it tried again."""

_c = failures.c


@dataclass(frozen=True, slots=True)
class Failure:
    """A postponed row; `next_at` is None where it was given up."""

    job: str
    row_id: int
    attempts: int
    reason: str
    failed_at: datetime
    next_at: datetime | None


def ready_condition(job: str, number: sa.ColumnElement[int], now: datetime) -> sa.ColumnElement[bool]:
    """The condition that the row with this id may be claimed for the job now."""
    waits = _c.next_at.is_(None) | (_c.next_at > now)
    return ~sa.exists().where(_c.job == job, _c.row_id == number, waits)


def record(session: Session, job: str, row_id: int, reason: str, now: datetime, *, last: bool = False) -> Failure:
    """Postpones the row after another failure; with `last` it is given up at once."""
    where = (_c.job == job, _c.row_id == row_id)
    attempts = int(session.execute(sa.select(_c.attempts).where(*where)).scalar() or 0) + 1
    next_at = None if last or attempts > len(PAUSES) else now + PAUSES[attempts - 1]
    failure = Failure(job, row_id, attempts, reason, now, next_at)
    row = {name: getattr(failure, name) for name in Failure.__dataclass_fields__}
    upsert(session, failures, ("job", "row_id"), row)
    return failure


def clear(session: Session, job: str, ids: Iterable[int]) -> None:
    """Removes the failures of rows that succeeded."""
    failed = set(session.execute(sa.select(_c.row_id).where(_c.job == job)).scalars())
    if mended := failed.intersection(ids):
        session.execute(sa.delete(failures).where(_c.job == job, _c.row_id.in_(sorted(mended))))


def waiting(session: Session, job: str, now: datetime) -> set[int]:
    """The rows of a job that may not be tried now."""
    where = (_c.job == job, _c.next_at.is_(None) | (_c.next_at > now))
    return set(session.execute(sa.select(_c.row_id).where(*where)).scalars())


def list_failures(session: Session, most: int = 1000) -> list[Failure]:
    """All postponed rows, the newest first."""
    rows = session.execute(sa.select(failures).order_by(_c.failed_at.desc(), _c.job, _c.row_id).limit(most))
    return [Failure(**row._mapping) for row in rows]


def retry(session: Session, rows: Sequence[tuple[str, int]]) -> int:
    """Removes the failures of these rows, so that the scheduler enqueues them again; returns how many there were."""
    removed = 0
    for job, row_id in rows:
        removed += session.execute(sa.delete(failures).where(_c.job == job, _c.row_id == row_id)).rowcount
    return removed


def given_up(session: Session) -> dict[str, int]:
    """Job → number of rows that wait for people."""
    query = sa.select(_c.job, sa.func.count()).where(_c.next_at.is_(None))
    return read_counts(session, query.group_by(_c.job))


def reason_of(error: BaseException) -> str:
    """The kind of an error and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
