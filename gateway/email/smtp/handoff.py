"""Hand-off of a received mail: refuses it, or stores it through the group commit, and gives the one reply to it.

All sessions of a server share one. Of the content only the number of Received lines is looked at.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog
from aiosmtpd.smtp import SMTP

from desk.mail.inbound_request import Envelope
from gateway.email.smtp.commands import MailTransaction, Terms
from gateway.email.smtp.data_reader import DataReader
from gateway.email.smtp.limits import MemoryBudget
from gateway.email.smtp.types import DiskFull, Outcome, RawMail
from gateway.group_commit import QueueFull

TOO_LARGE = "552 5.3.4 The mail is larger than we take"

_REPLIES = {
    Outcome.STORED: "250 2.0.0 Accepted",
    Outcome.UNAVAILABLE: "451 4.3.0 Cannot store the mail now, try again later",
    Outcome.DISK_FULL: "452 4.3.1 No room for the mail now, try again later",
}
_HEADER_END = re.compile(rb"\n\r?\n")
_RECEIVED = re.compile(rb"(?im)^received[ \t]*:")

log = structlog.get_logger()


class OpenSession(Protocol):
    """What the server can ask of a session when it stops."""

    def retire(self) -> None: ...

    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Handoff:
    """The terms of one server, the storing of its mails, and its open sessions."""

    terms: Terms
    store: Callable[[RawMail], Awaitable[Outcome]]
    room: MemoryBudget
    now: Callable[[], datetime]
    tls: ssl.SSLContext | None
    sessions: set[OpenSession] = field(default_factory=set)
    _blank: dict[str, Any] = field(default_factory=dict)

    def blank(self, loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
        """The attributes of a session of the base class that has not begun."""
        if not self._blank:
            base = SMTP(None, hostname=self.terms.settings.hostname, tls_context=self.tls, loop=loop)
            self._blank.update(vars(base))
        return self._blank

    def refuse(self, reader: DataReader, had_room: bool) -> str:
        """Why a whole mail is not taken; empty when nothing speaks against it."""
        if reader.too_large:
            return TOO_LARGE
        if not had_room:
            return _REPLIES[Outcome.DISK_FULL]
        if reader.lone_dot:
            return "550 5.5.2 A dot alone on a line that does not end with CR LF"
        if _hops(reader.content()) > self.terms.settings.most_hops:
            return "554 5.4.6 Too many hops"
        return ""

    async def deliver(self, mail: MailTransaction, peer: str, raw: bytes) -> str:
        """Stores the mail and waits for the outcome."""
        recipients = tuple(dict.fromkeys(mail.recipients))
        # Sorted, so that a resend to the same addresses in another order is the same mail.
        source = ",".join(sorted(address.lower() for address in recipients))
        envelope = Envelope(mail_from=mail.sender, rcpt_to=recipients, peer=peer)
        return _REPLIES[await self._outcome(RawMail(raw, envelope, source, self.now()))]

    async def _outcome(self, mail: RawMail) -> Outcome:
        try:
            return await self.store(mail)
        except (DiskFull, QueueFull):
            return Outcome.DISK_FULL
        except Exception as error:  # noqa: BLE001 - whatever it was: the mail is not surely stored, so it must come again
            log.warning("mail_not_stored", error=type(error).__name__)
            return Outcome.UNAVAILABLE


def _hops(raw: bytes) -> int:
    end = _HEADER_END.search(raw)
    return len(_RECEIVED.findall(raw, 0, end.start() + 1 if end else len(raw)))
