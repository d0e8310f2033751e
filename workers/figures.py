"""Keeps the figures of reports up to date: whatever happened since the last look is counted, beside everything else.

In: events. Out: rows of the roll-up. It may run twice, and twice at once: one keeper writes at a time, and what
somebody counted later stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from storage import outbound, report_schedules, ticket_facts
from storage.outbound import Letter
from storage.report_schedules import Schedule
from storage.store import Store
from storage.transaction import Session
from workers import report_letters
from workers.context import Context

log = structlog.get_logger()

Told = Callable[[int], None]


def is_time(session: Session, now: datetime) -> bool:
    """Whether there is something to count."""
    return ticket_facts.is_behind(session) or bool(report_schedules.due(session, now))


def drain(context: Context, fresh: timedelta = ticket_facts.FRESH) -> int:
    """Count every ticket of which something was heard since the last look; then send the reports that are due."""
    done = catch_up(context.store, context.now(), fresh)
    report_letters.send_due(context.store, context.now())
    return done


def catch_up(store: Store, now: datetime, fresh: timedelta = timedelta()) -> int:
    """Everything that happened until now is in the figures; returns how many tickets were counted."""
    done, after, settled = 0, None, True
    while True:
        with store.database.reading() as session:
            look = ticket_facts.look(session, ticket_facts.floor(session) if after is None else after, now, fresh)
        if look is None:
            return done
        # Above what is not settled the floor stays, although the look goes on.
        rises = settled
        settled = settled and look.floor >= look.upto
        after = look.upto
        if not look.counted and not rises:
            continue
        with store.database.transaction() as session:
            floor = ticket_facts.hold(session)
            done += ticket_facts.write(session, look.counted, max(floor, look.floor) if rises else None)


def rebuild(store: Store, told: Told = lambda _count: None) -> int:
    """Count every ticket anew; reports stay whole meanwhile."""
    done, above = 0, 0
    while True:
        with store.database.reading() as session:
            ids = ticket_facts.numbers(session, above)
            counted = ticket_facts.count(session, ids)
        with store.database.transaction() as session:
            ticket_facts.hold(session)
            ticket_facts.forget_others(session, above, ids)
            ticket_facts.write(session, counted)
        if not ids:
            log.info("figures_rebuilt", count=done)
            return done
        done, above = done + len(ids), ids[-1]
        told(done)


def send(store: Store, schedule: Schedule, now: datetime, *, dry_run: bool) -> list[Letter]:
    """The letters of a report now, besides its time; with `dry_run` they are only shown."""
    catch_up(store, now)
    with store.database.reading() as session:
        made = report_letters.letters(store, session, schedule, now)
    if not dry_run:
        with store.database.transaction() as session:
            outbound.put(session, made, now)
    return made
