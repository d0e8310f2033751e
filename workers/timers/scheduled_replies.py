"""Sends the replies whose time has come; may run twice, and at once."""

from __future__ import annotations

import structlog

from usecases.agents import scheduled_replies
from workers.runtime.context import Context

log = structlog.get_logger()


def drain(context: Context) -> int:
    """All that is due, each in a transaction of its own; returns how many."""
    now, done = context.now(), 0
    while True:
        with context.store.database.reading() as session:
            waiting = scheduled_replies.due(session, now)
        sent = sum(_send(context, number, ticket_id) for number, ticket_id in waiting)
        done += sent
        if sent == 0:
            return done


def _send(context: Context, number: int, ticket_id: int) -> bool:
    with context.store.database.transaction() as session:
        sent = scheduled_replies.send(session, number, ticket_id, context.now())
    if sent:
        log.info("waiting_reply_sent", ticket_id=ticket_id, scheduled_id=number)
    return sent
