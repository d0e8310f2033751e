"""The commands job: executes what agents write, press and type in Slack, one order after the other.

Each order ends as a command or is refused, and its author is answered. Files are fetched before the transaction. It is
idempotent, because only a waiting row is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from structlog.contextvars import bound_contextvars

from desk.access.permissions import Verb
from desk.mail.inbound_request import Attachment, from_json
from desk.mail.states import InboundState
from desk.slack import orders as slack_orders
from desk.slack.orders import Kind, Order
from storage.db.session import Session, is_outage
from storage.mail import inbound
from storage.mail.inbound import MOST_ATTEMPTS, SettledRequest, WaitingRequest
from storage.slack import threads as slack_threads
from workers.runtime.context import Context
from workers.slack import accounts as slack_accounts
from workers.slack import commands as slack_commands
from workers.slack import edits as message_edits
from workers.slack import files as slack_files
from workers.slack.commands import ReadyOrder

log = structlog.get_logger()

PATIENCE = timedelta(minutes=3)
"""How long an order waits for its thread or message, which may not be stored yet."""


class NotYet(Exception):
    """The thread or message of the order is not stored yet."""


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed order, with the files that came with it."""

    row: WaitingRequest
    order: Order
    files: Sequence[Attachment]
    why_no_files: str
    now: datetime

    @property
    def may_wait(self) -> bool:
        return self.now - self.row.received_at < PATIENCE


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Executes all waiting orders, the rows in `first` first; returns how many were tried."""
    done = 0
    while True:
        with context.store.database.transaction() as session:
            row = inbound.claim_command(session, context.now(), first)
        if row is None:
            return done
        done += 1
        with bound_contextvars(inbound_id=row.id):
            settled = _work(context, row)
        if settled:
            with context.store.database.transaction() as session:
                inbound.release_lease(session, row.id)


def _work(context: Context, row: WaitingRequest) -> bool:
    """One order; False where it has to wait a little. After its last attempt it is quarantined."""
    if row.attempts > MOST_ATTEMPTS:
        _quarantine(context, row)
        return True
    try:
        order = _with_account(context, row, slack_orders.of_fields(from_json(row.request).fields))
        files, why = _files(context, order)
        with context.store.database.transaction() as session:
            if inbound.reclaim(session, row.id):
                task = Task(row, order, files, why, context.now())
                inbound.settle(session, [_execute(context, session, task)], task.now)
        return True
    except NotYet:
        with context.store.database.transaction() as session:
            inbound.defer_command(session, row.id)
        return False
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("order_failed", attempt=row.attempts)
        if row.attempts >= MOST_ATTEMPTS:
            _quarantine(context, row)
        return True


def _with_account(context: Context, row: WaitingRequest, order: Order) -> Order:
    """The order with its Slack account; it waits for that a while, and is then treated as unknown."""
    if order.kind in (Kind.EDITED, Kind.WITHDRAWN):
        return order
    try:
        return slack_accounts.resolve_account(context, order)
    except slack_accounts.Unanswered:
        if context.now() - row.received_at < PATIENCE:
            raise NotYet from None
        return order


def _files(context: Context, order: Order) -> tuple[Sequence[Attachment], str]:
    """The files of an agent's message, and why one is missing. Files of others are not fetched."""
    if order.kind is not Kind.SAID or not order.files:
        return (), ""
    with context.store.database.reading() as session:
        agent = slack_threads.agent_of(session, order, by_email=context.store.settings.slack_match_email)
    may_write = agent is not None and agent.may(Verb.NOTE)
    return slack_files.fetch_all(context, order.files) if may_write else ((), "")


def _execute(context: Context, session: Session, task: Task) -> SettledRequest:
    session.via = "slack"
    if task.order.kind in (Kind.EDITED, Kind.WITHDRAWN):
        return message_edits.apply_edit(session, task.row.id, task.order, task.now, _missing(task))
    ready = ReadyOrder(task.row, task.order, task.files, task.why_no_files)
    return slack_commands.execute(context, session, ready, _missing(task))


def _missing(task: Task) -> slack_commands.Missing:
    """What to do where the order's thread or message is unknown: wait for a while, then refuse."""

    def missing(reason: str) -> SettledRequest:
        if task.may_wait:
            raise NotYet
        return SettledRequest(task.row.id, InboundState.REFUSED, reason)

    return missing


def _quarantine(context: Context, row: WaitingRequest) -> None:
    reason = f"could not be carried out in {MOST_ATTEMPTS} attempts"
    with context.store.database.transaction() as session:
        inbound.settle(session, [SettledRequest(row.id, InboundState.QUARANTINED, reason)], context.now())
