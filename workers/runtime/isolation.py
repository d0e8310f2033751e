"""Works rows that wait so that one that fails stops nobody else.

A batch is claimed and worked in one transaction. If that fails, the same rows are claimed again and worked one by one,
each in a savepoint of its own: the good ones are done, the bad one is put off with its reason (see `failures`),
tried again later, and after its last try left where people see it. A database that is away is nobody's fault: it is
raised, and the job comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from storage.db.session import Database, Session, is_conflict, is_outage
from storage.runtime import failures
from storage.tickets.tickets import Stale
from workers.runtime.context import Context

RIVALRY_TRIES = 5

log = structlog.get_logger()

Row = TypeVar("Row")
Result = TypeVar("Result")


def _put_off_nothing_else(_session: Session, _row: object, _reason: str) -> None:
    return None


@dataclass(frozen=True)
class Work(Generic[Row]):
    """One kind of work. `claim` holds the rows for this transaction; `do` works them and returns how many changed.

    `put_off` writes what a failed row needs besides: with `records=False` that is all, for rows that count their own
    attempts. `binds` is the name under which a row's number stands in the log.
    """

    job: str
    claim: Callable[[Session], Sequence[Row]]
    do: Callable[[Session, Sequence[Row]], int]
    number: Callable[[Row], int]
    binds: str = "ticket_id"
    put_off: Callable[[Session, Row, str], None] = _put_off_nothing_else
    records: bool = True


def drain(context: Context, work: Callable[[], Work[Row]]) -> int:
    """Batch after batch until nothing changes; returns how many rows were worked."""
    done = 0
    while worked := batch(context, work()):
        done += worked
    return done


def batch(context: Context, work: Work[Row]) -> int:
    """One batch; returns how many rows were worked or put off."""
    try:
        return _with_rivals(context, work, _together)
    except Exception as error:
        if is_outage(error):
            raise
        log.warning("batch_failed", job=work.job, error=failures.reason_of(error))
    return _with_rivals(context, work, _one_by_one)


def alone(database: Database, job: str, row_id: int, step: Callable[[], int], now: datetime) -> int:
    """One piece of work with transactions of its own: if it fails, that is written down and the next has its turn."""
    try:
        done = step()
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("item_failed", job=job, row_id=row_id)
        with database.transaction() as session:
            failures.record(session, job, row_id, failures.reason_of(error), now)
        return 0
    with database.transaction() as session:
        failures.clear(session, job, [row_id])
    return done


def read_in_halves(
    database: Database, job: str, ids: Sequence[int], read: Callable[[Sequence[int]], list[Result]], now: datetime
) -> list[Result]:
    """For steps that only read: all at once; where that fails, each half, down to the row that fails alone."""
    if not ids:
        return []
    try:
        return read(ids)
    except Exception as error:
        if is_outage(error):
            raise
        if len(ids) == 1:
            log.exception("item_failed", job=job, row_id=ids[0])
            with database.transaction() as session:
                failures.record(session, job, ids[0], failures.reason_of(error), now)
            return []
    middle = len(ids) // 2
    halves = (read_in_halves(database, job, half, read, now) for half in (ids[:middle], ids[middle:]))
    return [result for half in halves for result in half]


_How = Callable[[Context, Session, Work[Row], Sequence[Row]], int]


def _with_rivals(context: Context, work: Work[Row], how: _How[Row]) -> int:
    """In one transaction; again if another worker was faster or a deadlock was broken."""
    for left in reversed(range(RIVALRY_TRIES)):
        try:
            with context.store.database.transaction() as session:
                rows = work.claim(session)
                return how(context, session, work, rows) if rows else 0
        except Exception as error:
            if not left or not (isinstance(error, Stale) or is_conflict(error)):
                raise
    return 0


def _together(_context: Context, session: Session, work: Work[Row], rows: Sequence[Row]) -> int:
    with bound_contextvars(job=work.job):
        done = work.do(session, rows)
        if work.records:
            failures.clear(session, work.job, map(work.number, rows))
        return done


def _one_by_one(context: Context, session: Session, work: Work[Row], rows: Sequence[Row]) -> int:
    return sum(_alone(context, session, work, row) for row in rows)


def _alone(context: Context, session: Session, work: Work[Row], row: Row) -> int:
    number = work.number(row)
    with bound_contextvars(job=work.job, **{work.binds: number}):
        try:
            with session.savepoint():
                done = work.do(session, [row])
        except Exception as error:
            if is_outage(error) or is_conflict(error):
                raise
            log.exception("item_failed")
            _put_off(context, session, work, row, failures.reason_of(error))
            return 1
        if work.records:
            failures.clear(session, work.job, [number])
        return done


def _put_off(context: Context, session: Session, work: Work[Row], row: Row, reason: str) -> None:
    if work.records:
        failures.record(session, work.job, work.number(row), reason, context.now())
    work.put_off(session, row, reason)
