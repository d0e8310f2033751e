"""Rows whose processing failed: postponed with the reason, retried later, and after the last retry left for people.

A row is named by its job and its id. The reason is the kind of the error and its place in the code, never its text,
because that may quote a requester. Whoever claims rows for a job leaves out the postponed ones (`ready_condition`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog

from storage.db.session import Session, is_conflict, is_outage
from storage.db.statements import read_counts, upsert
from storage.tables.runtime import failures

PAUSES = (timedelta(seconds=10), timedelta(minutes=2))
"""Pauses after the first and second failure; after the third the row is given up until somebody has it tried again."""

FOUND_HERE_ONLY = frozenset({"rollup"})
"""Jobs that have passed a failed row by: whoever has it tried again must not forget it."""

_c = failures.c
log = structlog.get_logger()


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


def attempt(session: Session, job: str, row_id: int, step: Callable[[], int], now: datetime) -> int:
    """One step within a larger transaction, in a savepoint: if it fails, that is written down and the rest goes on."""
    try:
        with session.savepoint():
            done = step()
            clear(session, job, [row_id])
            return done
    except Exception as error:
        if is_outage(error) or is_conflict(error):
            raise
        log.exception("item_failed", job=job, row_id=row_id)
        record(session, job, row_id, reason_of(error), now)
        return 0


def due(session: Session, job: str, now: datetime) -> list[int]:
    """The failed rows of a job whose next try is due."""
    return list(session.execute(sa.select(_c.row_id).where(_c.job == job, _c.next_at <= now)).scalars())


def list_failures(session: Session, most: int = 1000) -> list[Failure]:
    """All postponed rows, the newest first."""
    rows = session.execute(sa.select(failures).order_by(_c.failed_at.desc(), _c.job, _c.row_id).limit(most))
    return [Failure(**row._mapping) for row in rows]


def retry(session: Session, rows: Sequence[tuple[str, int]]) -> int:
    """The scheduler enqueues these rows again, with all tries before them; returns how many there were."""
    retried = 0
    for job, row_id in rows:
        again: sa.Update | sa.Delete = sa.delete(failures)
        if job in FOUND_HERE_ONLY:
            again = sa.update(failures).values(attempts=0, next_at=_c.failed_at)
        retried += session.execute(again.where(_c.job == job, _c.row_id == row_id)).rowcount
    return retried


def given_up(session: Session) -> dict[str, int]:
    """Job → number of rows that wait for people."""
    query = sa.select(_c.job, sa.func.count()).where(_c.next_at.is_(None))
    return read_counts(session, query.group_by(_c.job))


def reason_of(error: BaseException) -> str:
    """The kind of an error and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
