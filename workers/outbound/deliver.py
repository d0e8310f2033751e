"""The deliver job: claims outbound messages that are due, sends them and marks them. Sending is at least once.

A worker killed between the relay's 250 and the mark sends again with the same Message-ID, so that the recipient's side
recognises the copy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from structlog.contextvars import bound_contextvars

from desk.signed import reply_address
from desk.tickets import delivery
from desk.tickets.delivery import Failure, How
from storage.db.session import Session, is_outage
from storage.mail import outbound
from storage.mail.outbound import ClaimedMessage
from storage.people.addresses import canonical
from storage.tickets import tickets
from usecases.tickets import side_conversations
from workers.outbound import slack, slack_cards
from workers.outbound.email import Relay, RelayConnection
from workers.outbound.errors import TransportError
from workers.outbound.mime import compose as composing
from workers.outbound.mime import dkim
from workers.outbound.mime.compose import Unsendable
from workers.runtime.context import Context

log = structlog.get_logger()

BATCH, CATCH_BATCH = 20, 100
"""Letters that are claimed at once: for a relay, which may be slow; for the box of caught mail."""
BACK_OFF = tuple(
    timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800, 28800, 28800)
)
"""Pauses after the first, second… failed try; after the last, about two days later, the letter is undeliverable."""


_NOTIFIED = ("reply", "copy", "acknowledgement", "side")
"""Mails of which the agents hear that they were not delivered."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Send all that is due, the rows in `first` at once; returns how many letters were tried."""
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
    if not context.store.settings.relay_url:
        claimed = _without_caught(context, claimed)
    with ExitStack() as stack:
        relay_url = context.store.settings.relay_url
        post = stack.enter_context(RelayConnection(Relay.from_url(relay_url))) if relay_url else None
        claimed_at = context.now()
        for letter in claimed:
            if context.now() - claimed_at > outbound.LEASE / 4 and not _renewed(context, letter):
                continue
            with bound_contextvars(outbound_id=letter.id, ticket_id=letter.ticket_id):
                _send_one(context, letter, post)


def _without_caught(context: Context, claimed: list[ClaimedMessage]) -> list[ClaimedMessage]:
    """Catches what is mail, all in one transaction; returns what must be handled one by one."""
    mails = {letter.id: letter for letter in claimed if letter.transport == "mail"}
    now = context.now()
    try:
        with context.store.database.reading() as session:
            raws = [_composed(context, session, letter) for letter in mails.values()]
        with context.store.database.transaction() as session:
            names = context.store.blobs.put_many(session, raws, now)
            outbound.mark_captured(session, dict(zip(mails, names, strict=True)), now)
    except Unsendable as error:
        # Its text names an address, which is no word for a log.
        log.warning("letters_not_caught_together", count=len(mails), error=type(error).__name__)
        return claimed
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("letters_not_caught_together", count=len(mails))
        return claimed
    log.info("letters_caught", count=len(mails))
    return [letter for letter in claimed if letter.id not in mails]


def _send_one(context: Context, letter: ClaimedMessage, post: RelayConnection | None) -> None:
    """One letter to its mark. A letter that breaks us waits like one that was refused, so that its neighbours leave."""
    try:
        with _kept(context, letter):
            state, raw, ts = _send(context, letter, post)
    except TransportError as error:
        _failed(context, letter, error)
    except Unsendable as error:
        _failed(context, letter, TransportError(str(error), permanent=True))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("letter_broke")
        _failed(context, letter, TransportError(f"it could not be made ({type(error).__name__})", permanent=False))
    else:
        with context.store.database.transaction() as session:
            outbound.mark(session, letter.id, state, context.now(), raw=raw)
            slack_cards.note_posted(session, letter, ts)
        log.info("letter_left", kind=letter.kind, state=state)


@contextmanager
def _kept(context: Context, letter: ClaimedMessage) -> Iterator[None]:
    """Renews the letter's lease while it is being sent, however slowly the far end talks."""
    sent = threading.Event()

    def renew() -> None:
        while not sent.wait(outbound.LEASE.total_seconds() / 3):
            try:
                _renewed(context, letter)
            except sa.exc.DBAPIError as error:
                log.warning("lease_not_renewed", outbound_id=letter.id, error=type(error).__name__)

    if context.store.settings.relay_url or letter.transport != "mail":
        threading.Thread(target=renew, name="lease", daemon=True).start()
    try:
        yield
    finally:
        sent.set()


def _renewed(context: Context, letter: ClaimedMessage) -> bool:
    with context.store.database.transaction() as session:
        return outbound.renew(session, letter, context.now())


def _send(context: Context, letter: ClaimedMessage, post: RelayConnection | None) -> tuple[str, str, str]:
    """Returns the end state, the blob of what was written if it was kept here, and where in Slack it stands."""
    if letter.transport == "slack":
        return _to_slack(context, letter)
    # The null sender keeps machines from answering what a machine wrote (RFC 3834 section 3.3).
    mailbox = "" if letter.content.get("automatic") else canonical(letter.content["from"])
    with context.store.database.reading() as session:
        data = _composed(context, session, letter)
        mail_from = _bounces_to(context, session, letter, mailbox)
    if post is None:
        with context.store.database.transaction() as session:
            return outbound.CAUGHT, context.store.blobs.put(session, data, context.now()), ""
    post.send(mail_from, composing.recipient(letter), data, instead=mailbox)
    return outbound.SENT, "", ""


def _bounces_to(context: Context, session: Session, letter: ClaimedMessage, mailbox: str) -> str:
    """Where a report about this mail goes: an address that only who got it can know."""
    if not mailbox or not context.store.settings.signed_bounces:
        return mailbox
    carrier = reply_address.carrier(mailbox, context.configuration(session).mailboxes)
    return reply_address.bounce_address(carrier, letter.id, context.secret) if carrier else mailbox


def _to_slack(context: Context, letter: ClaimedMessage) -> tuple[str, str, str]:
    settings = context.store.settings
    with context.store.database.reading() as session:
        ready = slack_cards.resolve_row(session, letter, settings)
        wanted = str((letter.content.get("file") or {}).get("sha256") or "")
        data = context.store.blobs.get(session, wanted) if wanted else b""
    if ready is None:
        return outbound.SUPPRESSED, "", ""
    if data is None:
        raise Unsendable("the file is not there any more")
    return outbound.SENT, "", slack.send(ready, settings, data=data)


def _composed(context: Context, session: Session, letter: ClaimedMessage) -> bytes:
    now = context.now().astimezone(ZoneInfo(context.store.settings.time_zone))
    data = composing.compose(letter, lambda name: context.store.blobs.get(session, name), now)
    return dkim.signed(data, letter.content["from"], context.store.settings)


def _failed(context: Context, letter: ClaimedMessage, error: TransportError) -> None:
    """Later again; or, if that will not help, undeliverable where people see it."""
    now = context.now()
    log.warning("letter_failed", attempt=letter.attempts)
    with context.store.database.transaction() as session:
        # Whose lease has ended says nothing more: another worker may have sent it meanwhile.
        if not outbound.renew(session, letter, now):
            return
        if error.permanent or letter.attempts > len(BACK_OFF):
            _give_up(session, letter, str(error), now)
            return
        pause = BACK_OFF[letter.attempts - 1]
        if error.retry_after is not None:
            pause = timedelta(seconds=error.retry_after)
        outbound.postpone(session, letter.id, now + pause, str(error))


def _give_up(session: Session, letter: ClaimedMessage, reason: str, now: datetime) -> None:
    outbound.mark(session, letter.id, outbound.FAILED, now, reason)
    kept = tickets.merge_target(session, letter.ticket_id) if letter.ticket_id else None
    ticket = tickets.get(session, kept.id, lock=True) if kept else None
    if ticket is None:
        return
    why = f"{letter.kind} to {letter.recipient}: {reason}"
    side = int(letter.content.get("side", 0))
    failure = Failure(How.REFUSED, letter.kind, letter.recipient, why, letter.message_id, side, letter.message_id)
    # A notice about a notice that cannot be delivered would go round for ever.
    ticket = tickets.save(session, delivery.failed(ticket, failure, now), react=letter.kind in _NOTIFIED)
    if letter.kind == "side":
        side_conversations.record_bounce(session, side, ticket, now)
