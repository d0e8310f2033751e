"""The send_scheduled job: sends the replies whose time has come. It is idempotent."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from storage.db.session import Session
from usecases.agents import scheduled_replies
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()


def drain(context: Context) -> int:
    """All that is due; returns how many."""
    return isolation.drain(context, lambda: _work(context))


def _work(context: Context) -> Work[tuple[int, int]]:
    def claim(session: Session) -> list[tuple[int, int]]:
        return scheduled_replies.due_replies(session, context.now())

    def do(session: Session, rows: Sequence[tuple[int, int]]) -> int:
        return sum(_send(context, session, number, ticket_id) for number, ticket_id in rows)

    return Work(scheduled_replies.JOB, claim, do, lambda row: row[0], binds="scheduled_id")


def _send(context: Context, session: Session, number: int, ticket_id: int) -> bool:
    """Who deletes the row sends it; False where that was somebody else."""
    sent = scheduled_replies.send_due(session, number, ticket_id, context.now())
    if sent:
        log.info("scheduled_reply_sent", ticket_id=ticket_id, scheduled_id=number)
    return sent
