"""The rollup job: keeps the figures of reports up to date by counting the tickets that had events since the last run.

One process writes at a time, by a lock, and figures that were counted later are not overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.reports import daily_rollup, ticket_rollup
from storage.reports import schedules as report_schedules
from storage.reports.schedules import Schedule
from workers.notifications import report_mail
from workers.runtime.context import Context

log = structlog.get_logger()

Progress = Callable[[int], None]
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
    return waiting or bool(daily_rollup.due_days(session, now, 1))


def drain(context: Context, fresh: timedelta = ticket_rollup.FRESH) -> int:
    """Counts the tickets that had events since the last run, sums up complete days, and sends the reports due."""
    done = catch_up(context.store, context.now(), fresh)
    sum_up(context.store, context.now())
    report_mail.send_due(context.store, context.now())
    return done


def catch_up(store: Store, now: datetime, fresh: timedelta = timedelta()) -> int:
    """Counts all tickets with events until now; returns how many."""
    done, after, complete = 0, None, True
    while True:
        with store.database.reading() as session:
            page = ticket_rollup.count_next(
                session, ticket_rollup.floor(session) if after is None else after, now, fresh
            )
        if page is None:
            return done
        # The floor does not rise above what is not complete, although counting goes on.
        rises = complete
        complete = complete and page.floor >= page.upto
        after = page.upto
        if not page.counted and not rises:
            continue
        with store.database.transaction() as session:
            floor = ticket_rollup.lock_floor(session)
            ticket_rollup.save(session, page.counted, now, max(floor, page.floor) if rises else None)
        done += len(page.counted)


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
            days = daily_rollup.due_days(session, now, DAYS_AT_ONCE)
        if not days:
            return done
        with store.database.transaction() as session:
            ticket_rollup.lock_floor(session)
            for day in days:
                daily_rollup.sum_up(session, day, name)
        done += len(days)
        progress(done)


def rebuild(
    store: Store, now: datetime, progress: Progress = no_progress, progress_of_days: Progress = no_progress
) -> Rebuilt:
    """Count every ticket anew, and sum up every day anew; reports stay whole meanwhile."""
    done, wrong, above = 0, 0, 0
    while True:
        with store.database.reading() as session:
            ids = ticket_rollup.next_ticket_ids(session, above)
            counted = ticket_rollup.count_figures(session, ids)
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
