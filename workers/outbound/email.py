"""The mail transport: composes an outbound message and hands it to the relay by SMTP, or keeps it here without one.

A refusal is for good (5xx) or for now (anything else).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import structlog

from desk.mail.content import MailContent
from desk.mail.states import OutboundState
from desk.signed import reply_address
from storage.db.session import Session, is_outage
from storage.mail import outbound
from storage.mail.outbound_message import ClaimedMessage
from storage.people.addresses import canonical
from workers.outbound.errors import TransportError
from workers.outbound.mime import compose, dkim
from workers.outbound.mime.compose import Unsendable
from workers.outbound.transport import MessageTransport, Send, Sent
from workers.runtime.context import Context

log = structlog.get_logger()

TIMEOUT = 20.0
"""Seconds; less than a claimed message's lease."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Where outgoing mail goes: `smtp://[user:password@]host[:port][?starttls=yes]` or `smtps://…`."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: str = ""

    @classmethod
    def from_url(cls, url: str) -> Relay:
        parts = urlsplit(url)
        implicit = parts.scheme == "smtps"
        asked = parse_qs(parts.query).get("starttls", [""])[0].lower() in ("yes", "true", "1")
        tls = "implicit" if implicit else "starttls" if asked or parts.username else ""
        port = parts.port or (465 if implicit else 587 if parts.username else 25)
        return cls(parts.hostname or "", port, unquote(parts.username or ""), unquote(parts.password or ""), tls)


def open_transport(context: Context) -> MessageTransport:
    """To the relay that the settings name; without one, mail is captured here."""
    relay_url = context.store.settings.relay_url
    return RelayTransport(context, Relay.from_url(relay_url)) if relay_url else CapturingTransport(context)


class RelayTransport:
    """Hands each mail to the relay, all of one round by one connection."""

    is_remote = True

    def __init__(self, context: Context, relay: Relay) -> None:
        self._context = context
        self._connection = RelayConnection(relay)

    def send_together(self, messages: Sequence[ClaimedMessage]) -> frozenset[int]:
        return frozenset()

    def prepare(self, session: Session, message: ClaimedMessage) -> Send:
        # The null sender keeps machines from answering what a machine wrote (RFC 3834 section 3.3).
        content = message.content_as(MailContent)
        mailbox = "" if content.automatic else canonical(content.mailbox)
        data = _composed(self._context, session, message)
        mail_from = _bounces_to(self._context, session, message, mailbox)

        def send() -> Sent:
            self._connection.send(mail_from, compose.recipient(message), data, instead=mailbox)
            return Sent()

        return send

    def record_sent(self, session: Session, message: ClaimedMessage, sent: Sent) -> None:
        """The row's mark says it all."""

    def close(self) -> None:
        self._connection.close()


class CapturingTransport:
    """Keeps each mail as a blob that admins can read, for a desk without a relay."""

    is_remote = False

    def __init__(self, context: Context) -> None:
        self._context = context

    def send_together(self, messages: Sequence[ClaimedMessage]) -> frozenset[int]:
        """All in one transaction."""
        if not messages:
            return frozenset()
        store, now = self._context.store, self._context.now()
        try:
            with store.database.reading() as session:
                raws = [_composed(self._context, session, message) for message in messages]
            with store.database.transaction() as session:
                names = store.blobs.put_many(session, raws, now)
                ids = [message.id for message in messages]
                outbound.mark_captured(session, dict(zip(ids, names, strict=True)), now)
        except Unsendable as error:
            # Its text names an address, which is no word for a log.
            log.warning("mails_not_captured_together", count=len(messages), error=type(error).__name__)
            return frozenset()
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("mails_not_captured_together", count=len(messages))
            return frozenset()
        log.info("mails_captured", count=len(messages))
        return frozenset(ids)

    def prepare(self, session: Session, message: ClaimedMessage) -> Send:
        data = _composed(self._context, session, message)

        def send() -> Sent:
            with self._context.store.database.transaction() as writing:
                return Sent(OutboundState.CAPTURED, self._context.store.blobs.put(writing, data, self._context.now()))

        return send

    def record_sent(self, session: Session, message: ClaimedMessage, sent: Sent) -> None:
        """The row's mark says it all."""

    def close(self) -> None:
        """Nothing was opened."""


def _composed(context: Context, session: Session, message: ClaimedMessage) -> bytes:
    now = context.now().astimezone(ZoneInfo(context.store.settings.time_zone))
    data = compose.compose(message, lambda name: context.store.blobs.get(session, name), now)
    return dkim.signed(data, message.content_as(MailContent).mailbox, context.store.settings)


def _bounces_to(context: Context, session: Session, message: ClaimedMessage, mailbox: str) -> str:
    """Where a report about this mail goes: an address that only who got it can know."""
    if not mailbox or not context.store.settings.signed_bounces:
        return mailbox
    carrier = reply_address.carrier(mailbox, context.configuration(session).mailboxes)
    return reply_address.bounce_address(carrier, message.id, context.secret) if carrier else mailbox


class RelayConnection:
    """One connection to the relay, opened when first needed and kept for the mails of one round."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def send(self, mail_from: str, rcpt_to: str, data: bytes, *, instead: str = "") -> None:
        """Returns once the relay took it; raises TransportError otherwise.

        `instead` is the envelope sender for a relay that refuses `mail_from`: some let an account write only as itself.
        """
        try:
            _send_mail(self._connected(), (mail_from, instead), rcpt_to, data)
        except smtplib.SMTPResponseException as error:
            self.close()
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise _unreachable(error) from error

    def _connected(self) -> smtplib.SMTP:
        """A refusal before MAIL FROM (banner, greeting, password) is never permanent: it concerns no single message."""
        if self._smtp is None:
            try:
                self._smtp = self._connect()
            except (OSError, smtplib.SMTPException) as error:
                raise _unreachable(error) from error
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.relay.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(self.relay.host, self.relay.port, timeout=TIMEOUT, context=context)
        else:
            smtp = smtplib.SMTP(self.relay.host, self.relay.port, timeout=TIMEOUT)
        if self.relay.tls == "starttls":
            smtp.starttls(context=context)
        if self.relay.user:
            smtp.login(self.relay.user, self.relay.password)
        smtp.ehlo_or_helo_if_needed()
        return smtp

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (OSError, smtplib.SMTPException):
            smtp.close()


def _send_mail(smtp: smtplib.SMTP, senders: tuple[str, str], rcpt_to: str, data: bytes) -> None:
    """One mail to one recipient."""
    options = [f"size={len(data)}"] if smtp.has_extn("size") else []
    if smtp.has_extn("8bitmime"):
        options.append("body=8bitmime")
    if not rcpt_to.isascii():
        options.append(_wide(smtp))
    mail_from, instead = senders
    answer = smtp.mail(mail_from, options)
    if 500 <= answer[0] < 600 and instead and instead != mail_from:
        _expect(smtp.rset())
        answer = smtp.mail(instead, options)
    _expect(answer)
    _expect(smtp.rcpt(rcpt_to))
    _expect(smtp.data(data))


def _wide(smtp: smtplib.SMTP) -> str:
    """The option for addresses with characters beyond ASCII (RFC 6531)."""
    if not smtp.has_extn("smtputf8"):
        smtp.rset()
        why = "the relay takes no address with letters beyond ASCII before the @ (it does not offer SMTPUTF8)"
        raise TransportError(why, permanent=True)
    return "SMTPUTF8"


def _expect(answer: tuple[int, bytes]) -> None:
    if answer[0] not in (250, 251):
        raise smtplib.SMTPResponseException(*answer)


def _unreachable(error: Exception) -> TransportError:
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return TransportError(f"the relay cannot be reached ({type(error).__name__}{code})", permanent=False)


def _refusal(code: int, reason: bytes | str) -> TransportError:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return TransportError(f"{code} {text}"[:300], permanent=500 <= code < 600)
