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

log = structlog.get_logger()

PATIENCE = timedelta(minutes=3)
"""So long an order waits for the thread or message that it is about: that may still be on its way to the record."""


class NotYet(Exception):
    """What the order is about is not there yet."""


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
    """Carry out all that waits, the rows in `first` at once; returns how many orders were tried."""
    done = 0
    while True:
        with context.store.database.transaction() as session:
            row = inbound.claim_command(session, context.now(), first)
        if row is None:
            return done
        done += 1
        with bound_contextvars(inbound_id=row.id):
            settled = _alone(context, row)
        if settled:
            with context.store.database.transaction() as session:
                inbound.release_lease(session, row.id)


def _alone(context: Context, row: WaitingRequest) -> bool:
    """One order; False where it has to wait a little. After its last attempt it is quarantined."""
    if row.attempts > MOST_ATTEMPTS:
        _quarantine(context, row)
        return True
    try:
        order = _known(context, row, slack_orders.of_fields(from_json(row.request).fields))
        files, why = _files(context, order)
        with context.store.database.transaction() as session:
            if inbound.reclaim(session, row.id):
                task = Task(row, order, files, why, context.now())
                inbound.settle(session, [_settled(context, session, task)], task.now)
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


def _known(context: Context, row: WaitingRequest, order: Order) -> Order:
    """The order with the account that Slack vouches for; it waits for that a while, and is then nobody's."""
    if order.kind in (Kind.EDITED, Kind.WITHDRAWN):
        return order
    try:
        return slack_accounts.resolve_account(context, order)
    except slack_accounts.Unanswered:
        if context.now() - row.received_at < PATIENCE:
            raise NotYet from None
        return order


def _files(context: Context, order: Order) -> tuple[Sequence[Attachment], str]:
    """What came with the words of an agent, and why something is missing. Nobody else makes the desk fetch anything."""
    if order.kind is not Kind.SAID or not order.files:
        return (), ""
    with context.store.database.reading() as session:
        agent = slack_threads.agent_of(session, order, by_email=context.store.settings.slack_match_email)
    heard = agent is not None and agent.may(Verb.NOTE)
    return slack_files.fetch_all(context, order.files) if heard else ((), "")


def _settled(context: Context, session: Session, task: Task) -> SettledRequest:
    session.via = "slack"
    if task.order.kind in (Kind.EDITED, Kind.WITHDRAWN):
        return message_edits.apply_edit(session, task.row.id, task.order, task.now, _missing(task))
    return slack_commands.execute(context, session, task.row, task.order, task.files, task.why_no_files, _missing(task))


def _missing(task: Task) -> slack_commands.Missing:
    """What to do where the order's thread or message is unknown: wait for it for a while, then say so."""

    def missing(reason: str) -> SettledRequest:
        if task.may_wait:
            raise NotYet
        return SettledRequest(task.row.id, InboundState.REFUSED, reason)

    return missing


def _quarantine(context: Context, row: WaitingRequest) -> None:
    reason = f"could not be carried out in {MOST_ATTEMPTS} attempts"
    with context.store.database.transaction() as session:
        inbound.settle(session, [SettledRequest(row.id, InboundState.QUARANTINED, reason)], context.now())
