"""A real SMTP server that stands for the relay: it keeps what it takes, and refuses what it is told to refuse."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session


@dataclass
class Relay:
    """What it took, and what it will answer to MAIL, RCPT and DATA instead of 250."""

    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = ""
    writes_as: str = ""
    """The only envelope sender that it allows, if any."""
    hangs_up: int = 0
    """How many mails it takes without saying so: the connection is lost after DATA."""

    async def handle_MAIL(  # noqa: N802
        self, _s: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.writes_as and address not in ("", "<>", self.writes_as):
            return "553 5.7.1 sender not allowed"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _s: Any, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        answer = self.rcpt.get(address, "")
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data:
            return self.data
        self.taken.append((envelope.mail_from or "", list(envelope.rcpt_tos), bytes(envelope.content or b"")))
        if self.hangs_up:
            self.hangs_up -= 1
            server.transport.abort()
        return "250 OK"

    def got(self, address: str) -> list[Message]:
        """The mails that were taken for that address."""
        return [message_from_bytes(data) for _, to, data in self.taken if address in to]

    def message_ids(self) -> list[str]:
        return [str(message_from_bytes(data)["Message-ID"]) for _, _, data in self.taken]


def listening(handler: Relay, **options: Any) -> Iterator[int]:
    """Its port, until the generator ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(handler, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
