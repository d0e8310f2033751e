"""The lifecycle job: wakes, reminds, resolves and closes tickets that have waited long enough. It is idempotent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from desk.tickets import lifecycle as rules_of
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.ticket import Change, Ticket
from storage.db.session import Session
from storage.tickets import lifecycle, tickets
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

BATCH = 200


def drain(context: Context) -> int:
    """All that is due; returns how many tickets were moved on."""
    return isolation.drain(context, lambda: _work(context))


def _work(context: Context) -> Work[Ticket]:
    def claim(session: Session) -> list[Ticket]:
        due = lifecycle.due_tickets(session, lifecycle.rules(session), context.now(), BATCH)
        return list(tickets.get_many(session, due, lock=True).values())

    def do(session: Session, held: Sequence[Ticket]) -> int:
        return _move_on(context, session, held)

    return Work(lifecycle.KEY, claim, do, lambda ticket: ticket.id)


def _move_on(context: Context, session: Session, held: Sequence[Ticket]) -> int:
    rules = lifecycle.rules(session)
    changes = [_moved_on(ticket, rules, context.now()) for ticket in held]
    moved = [change for change in changes if change.events]
    tickets.save_locked(session, moved, react=context.react)
    if moved:
        log.info("tickets_moved_on", count=len(moved))
    return len(moved)


def _moved_on(ticket: Ticket, rules: Lifecycle, now: datetime) -> Change:
    change = rules_of.rested(ticket, now)
    change = change.then(rules_of.silent(change.ticket, rules, now))
    return change.then(rules_of.settled(change.ticket, rules, now))
