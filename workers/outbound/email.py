"""Sends a composed mail to the SMTP relay, and tells permanent refusals (5xx) from temporary ones."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from workers.outbound.errors import TransportError

TIMEOUT = 20.0
"""Seconds; less than a claimed letter's lease."""


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


class RelayConnection:
    """One connection to the relay, opened when first needed and kept for the letters of one round."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def send(self, mail_from: str, rcpt_to: str, data: bytes, *, instead: str = "") -> None:
        """Returns once the relay took it; raises TransportError otherwise.

        `instead` is the envelope sender for a relay that refuses `mail_from`: some let an account write only as itself.
        """
        try:
            _hand_over(self._connected(), (mail_from, instead), rcpt_to, data)
        except smtplib.SMTPResponseException as error:
            self._close()
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise _unreachable(error) from error

    def _connected(self) -> smtplib.SMTP:
        """A refusal before any letter was named (banner, greeting, password) is no letter's fault: never for good."""
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

    def _close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (OSError, smtplib.SMTPException):
            smtp.close()


def _hand_over(smtp: smtplib.SMTP, senders: tuple[str, str], rcpt_to: str, data: bytes) -> None:
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
    """The option for addresses with letters beyond ASCII (RFC 6531)."""
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
