"""Moves on what waited long enough: wakes, reminds, resolves, closes; may run twice, and at once."""

from __future__ import annotations

from datetime import datetime

import structlog

from desk.tickets import lifecycle as rules_of
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.ticket import Change, Ticket
from storage.tickets import lifecycle, tickets
from workers.runtime.context import Context

log = structlog.get_logger()

BATCH = 200


def drain(context: Context) -> int:
    """All that is due; returns how many tickets were moved on."""
    done = 0
    while True:
        moved = _batch(context)
        done += moved
        if moved == 0:
            return done


def _batch(context: Context) -> int:
    now = context.now()
    with context.store.database.transaction() as session:
        rules = lifecycle.rules(session)
        due = lifecycle.due(session, rules, now, BATCH)
        held = tickets.get_many(session, due, lock=True)
        changes = [_moved_on(ticket, rules, now) for ticket in held.values()]
        made = [change for change in changes if change.events]
        tickets.save_locked(session, made, react=context.react)
    if made:
        log.info("tickets_moved_on", count=len(made))
    return len(made)


def _moved_on(ticket: Ticket, rules: Lifecycle, now: datetime) -> Change:
    change = rules_of.rested(ticket, now)
    change = change.then(rules_of.silent(change.ticket, rules, now))
    return change.then(rules_of.settled(change.ticket, rules, now))
