"""The deliver job: claims outbound messages that are due, sends each by its transport and marks it.

Sending is at least once: a worker killed between the relay's 250 and the mark sends again under the same
Message-ID; the far end knows the copy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from structlog.contextvars import bound_contextvars

from desk.mail.content import MailContent
from desk.mail.states import OutboundKind, OutboundState
from desk.tickets import delivery
from desk.tickets.delivery import Failure, How
from storage.db.session import Session, is_outage
from storage.mail import outbound
from storage.mail.outbound_message import ClaimedMessage
from storage.tickets import tickets
from usecases.tickets import side_conversations
from workers.outbound.errors import TransportError
from workers.outbound.mime.compose import Unsendable
from workers.outbound.transport import MessageTransport
from workers.outbound.transports import open_transports
from workers.runtime.context import Context

log = structlog.get_logger()

BATCH, CATCH_BATCH = 20, 100
"""Messages that are claimed at once: for a relay, which may be slow; for captured mail."""
BACK_OFF = tuple(
    timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800, 28800, 28800)
)
"""Pauses after the first, second… failed try; after the last, about two days later, the message is undeliverable."""


_NOTIFIED = (OutboundKind.REPLY, OutboundKind.COPY, OutboundKind.ACKNOWLEDGEMENT, OutboundKind.SIDE)
"""Mails whose failed delivery the agents are notified of."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Send all that is due, the rows in `first` at once; returns how many messages were tried."""
    done = 0
    most = BATCH if context.store.settings.relay_url else CATCH_BATCH
    while True:
        with context.store.database.transaction() as session:
            claimed = outbound.claim(session, most, context.now(), first)
        if not claimed:
            return done
        done += len(claimed)
        _send_all(context, claimed)


def _send_all(context: Context, claimed: list[ClaimedMessage]) -> None:
    with open_transports(context) as transports:
        claimed = _without_sent_together(transports, claimed)
        claimed_at = context.now()
        for message in claimed:
            if context.now() - claimed_at > outbound.LEASE / 4 and not _renewed(context, message):
                continue
            with bound_contextvars(outbound_id=message.id, ticket_id=message.ticket_id):
                _send_one(context, message, transports)


def _without_sent_together(
    transports: Mapping[str, MessageTransport], claimed: list[ClaimedMessage]
) -> list[ClaimedMessage]:
    """Sends what a transport takes all at once; returns what must be sent one by one."""
    done: set[int] = set()
    for name, transport in transports.items():
        done |= transport.send_together([message for message in claimed if message.transport == name])
    return [message for message in claimed if message.id not in done]


def _send_one(context: Context, message: ClaimedMessage, transports: Mapping[str, MessageTransport]) -> None:
    """Sends one message and marks it. One that raises is retried like a refused one, so that the others are sent."""
    try:
        transport = transports[message.transport]
        with _lease_renewed(context, message) if transport.is_remote else nullcontext():
            with context.store.database.reading() as session:
                send = transport.prepare(session, message)
            sent = send()
    except TransportError as error:
        _failed(context, message, error)
    except Unsendable as error:
        _failed(context, message, TransportError(str(error), permanent=True))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("message_not_prepared")
        _failed(context, message, TransportError(f"it could not be made ({type(error).__name__})", permanent=False))
    else:
        with context.store.database.transaction() as session:
            outbound.mark(session, message.id, sent.state, context.now(), raw=sent.raw)
            transport.record_sent(session, message, sent)
        log.info("message_sent", kind=str(message.kind), state=str(sent.state))


@contextmanager
def _lease_renewed(context: Context, message: ClaimedMessage) -> Iterator[None]:
    """Renews the message's lease while it is being sent, however slow the other side is."""
    sent = threading.Event()

    def renew() -> None:
        while not sent.wait(outbound.LEASE.total_seconds() / 3):
            try:
                _renewed(context, message)
            except sa.exc.DBAPIError as error:
                log.warning("lease_not_renewed", outbound_id=message.id, error=type(error).__name__)

    threading.Thread(target=renew, name="lease", daemon=True).start()
    try:
        yield
    finally:
        sent.set()


def _renewed(context: Context, message: ClaimedMessage) -> bool:
    with context.store.database.transaction() as session:
        return outbound.renew(session, message, context.now())


def _failed(context: Context, message: ClaimedMessage, error: TransportError) -> None:
    """Postpones the message; or, if a retry cannot help, marks it undeliverable and notes that on the ticket."""
    now = context.now()
    log.warning("message_not_sent", attempt=message.attempts)
    with context.store.database.transaction() as session:
        # After the lease has ended another worker may have sent the message.
        if not outbound.renew(session, message, now):
            return
        if error.permanent or message.attempts > len(BACK_OFF):
            _give_up(session, message, str(error), now)
            return
        pause = BACK_OFF[message.attempts - 1]
        if error.retry_after is not None:
            pause = timedelta(seconds=error.retry_after)
        outbound.postpone(session, message.id, now + pause, str(error))


def _give_up(session: Session, message: ClaimedMessage, reason: str, now: datetime) -> None:
    outbound.mark(session, message.id, OutboundState.UNDELIVERABLE, now, reason)
    surviving = tickets.merge_target(session, message.ticket_id) if message.ticket_id else None
    ticket = tickets.get(session, surviving.id, lock=True) if surviving else None
    if ticket is None:
        return
    why = f"{message.kind} to {message.recipient}: {reason}"
    side = message.content_as(MailContent).side
    written = tickets.message(session, message.message_id) if message.message_id else None
    reply_at = written.created_at if written else None
    failure = Failure(
        How.REFUSED, message.kind, message.recipient, why, message.message_id, side, reply_at, message.message_id
    )
    # A notice about an undeliverable notice would loop.
    ticket = tickets.save(session, delivery.failed(ticket, failure, now), react=message.kind in _NOTIFIED)
    if message.kind == OutboundKind.SIDE:
        side_conversations.record_bounce(session, side, ticket, now)
