"""The rollup job: keeps the figures of reports up to date by counting the tickets that had events since the last run.

One process writes at a time, by a lock, and figures that were counted later are not overwritten. A ticket that cannot
be counted, or a day that cannot be summed up, is put off with its reason, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.reports import daily_rollup, ticket_rollup
from storage.reports import schedules as report_schedules
from storage.reports.schedules import Schedule
from storage.reports.ticket_rollup import Counted
from storage.runtime import failures
from workers.notifications import report_mail
from workers.runtime import isolation
from workers.runtime.context import Context

log = structlog.get_logger()

Progress = Callable[[int], None]
JOB, DAYS_JOB = "rollup", "sum_up_days"
"""Under these names tickets and days (by their ordinal number) are put off."""
DAYS_AT_ONCE = 4
"""In one transaction: on SQLite others wait to write meanwhile."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many tickets were counted and how many of them had said something else; how many days were summed up."""

    tickets: int
    tickets_wrong: int
    days: int
    days_wrong: int = 0


def no_progress(_count: int) -> None:
    """Ignores the progress."""


def is_time(session: Session, now: datetime) -> bool:
    """Whether there is something to count, to sum up or to send."""
    waiting = ticket_rollup.is_behind(session) or bool(report_schedules.due_schedules(session, now))
    return waiting or bool(_due_days(session, now, 1)) or bool(failures.due(session, JOB, now))


def drain(context: Context, fresh: timedelta = ticket_rollup.FRESH) -> int:
    """Counts the tickets that had events since the last run, sums up complete days, and sends the reports due."""
    done = catch_up(context.store, context.now(), fresh)
    sum_up(context.store, context.now())
    report_mail.send_due(context.store, context.now())
    return done


def catch_up(store: Store, now: datetime, fresh: timedelta = timedelta()) -> int:
    """Counts all tickets with events until now; returns how many."""
    done, after, complete = _count_failed(store, now), None, True
    while True:
        with store.database.reading() as session:
            page = ticket_rollup.next_batch(
                session, ticket_rollup.floor(session) if after is None else after, now, fresh
            )
        if page is None:
            return done
        # The floor does not rise above what is not complete, although counting goes on.
        rises = complete
        complete = complete and page.floor >= page.upto
        after = page.upto
        if not page.tickets and not rises:
            continue
        counted = _counted(store, page.tickets, now)
        with store.database.transaction() as session:
            floor = ticket_rollup.lock_floor(session)
            ticket_rollup.save(session, counted, now, max(floor, page.floor) if rises else None)
            failures.clear(session, JOB, (number for number, _, _ in counted))
        done += len(counted)


def _count_failed(store: Store, now: datetime) -> int:
    """Counts the failed tickets whose next try is due; the floor has passed their events."""
    with store.database.reading() as session:
        ids = failures.due(session, JOB, now)
    if not ids:
        return 0
    counted = _counted(store, ids, now)
    with store.database.transaction() as session:
        ticket_rollup.lock_floor(session)
        ticket_rollup.save(session, counted, now)
        # What failed again is put off by now; what is gone has no figures and no failure any more.
        failures.clear(session, JOB, set(ids).intersection(failures.due(session, JOB, now)))
    return len(counted)


def _counted(store: Store, ids: Sequence[int], now: datetime) -> Counted:
    def count(some: Sequence[int]) -> Counted:
        with store.database.reading() as session:
            return ticket_rollup.count_figures(session, some)

    return isolation.read_in_halves(store.database, JOB, ids, count, now)


def sum_up(store: Store, now: datetime, progress: Progress = no_progress) -> int:
    """Sum up the days that are due; returns how many."""
    name, done = store.settings.time_zone, 0
    with store.database.reading() as session:
        known = daily_rollup.stored_zone(session)
    if known != name:
        with store.database.transaction() as session:
            ticket_rollup.lock_floor(session)
            daily_rollup.start_zone(session, name)
    while True:
        with store.database.reading() as session:
            days = _due_days(session, now, DAYS_AT_ONCE)
        if not days:
            return done
        with store.database.transaction() as session:
            ticket_rollup.lock_floor(session)
            for day in days:
                step = partial(_sum_up_day, session, day, name)
                done += failures.attempt(session, DAYS_JOB, day.toordinal(), step, now)
        progress(done)


def _due_days(session: Session, now: datetime, most: int) -> list[date]:
    put_off = failures.waiting(session, DAYS_JOB, now)
    days = daily_rollup.due_days(session, now, most + len(put_off))
    return [day for day in days if day.toordinal() not in put_off][:most]


def _sum_up_day(session: Session, day: date, name: str) -> int:
    daily_rollup.sum_up(session, day, name)
    return 1


def rebuild(
    store: Store, now: datetime, progress: Progress = no_progress, progress_of_days: Progress = no_progress
) -> Rebuilt:
    """Count every ticket anew, and sum up every day anew; reports stay whole meanwhile."""
    done, wrong, above = 0, 0, 0
    while True:
        with store.database.reading() as session:
            ids = ticket_rollup.next_ticket_ids(session, above)
        counted = _counted(store, ids, now)
        with store.database.transaction() as session:
            ticket_rollup.lock_floor(session)
            wrong += ticket_rollup.delete_others(session, above, ids, now) + ticket_rollup.save(session, counted, now)
        if not ids:
            break
        done, above = done + len(ids), ids[-1]
        progress(done)
    with store.database.transaction() as session:
        ticket_rollup.lock_floor(session)
        daily_rollup.start_zone(session, store.settings.time_zone)
    days = sum_up(store, now, progress_of_days)
    log.info("figures_rebuilt", count=done, days=days)
    return Rebuilt(done, wrong, days)


def check(store: Store, progress: Progress = no_progress, progress_of_days: Progress = no_progress) -> Rebuilt:
    """What a rebuild would find; only reads. Loose days are not summed up, so they cannot be wrong."""
    done, wrong, above = 0, 0, 0
    while True:
        with store.database.reading() as session:
            ids = ticket_rollup.next_ticket_ids(session, above)
            wrong += ticket_rollup.count_wrong(session, ticket_rollup.count_figures(session, ids), above, ids)
        if not ids:
            break
        done, above = done + len(ids), ids[-1]
        progress(done)
    with store.database.reading() as session:
        days = daily_rollup.summed_days(session)
    wrong_days = 0
    for place, day in enumerate(days):
        with store.database.reading() as session:
            wrong_days += daily_rollup.differs(session, day, store.settings.time_zone)
        progress_of_days(place + 1)
    return Rebuilt(done, wrong, len(days), wrong_days)


def send(store: Store, schedule: Schedule, now: datetime, *, dry_run: bool) -> list[OutboundMessage]:
    """Sends a report now, besides its schedule, and returns its mails; with `dry_run` nothing is sent."""
    catch_up(store, now)
    with store.database.reading() as session:
        messages = report_mail.compose(store, session, schedule, now)
    if not dry_run:
        with store.database.transaction() as session:
            outbound.store(session, messages, now)
    return messages
