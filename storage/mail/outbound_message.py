"""An outbound message: as it is stored, as the worker that claimed it sends it, as a delivery report finds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from desk.channels import OutboundContent, Transport
from desk.mail.content import MailContent
from desk.mail.states import OutboundKind, OutboundState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message to be sent: `content` is all that the transport needs; `dedupe_key` is unique, so it is stored once."""

    dedupe_key: str
    kind: OutboundKind
    recipient: str
    external_id: str
    content: OutboundContent
    ticket_id: int | None = None
    message_id: int | None = None
    transport: Transport = Transport.MAIL
    state: OutboundState = OutboundState.QUEUED
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A row that this worker now sends; `attempts` counts this try."""

    id: int
    kind: OutboundKind
    transport: str
    recipient: str
    external_id: str
    content: OutboundContent
    ticket_id: int | None
    message_id: int | None
    attempts: int
    created_at: datetime

    def content_as(self, form: type[T]) -> T:
        """What its transport sends; empty if the row was written for another transport."""
        return self.content if isinstance(self.content, form) else form()


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A row as reports about its delivery need it."""

    id: int
    kind: OutboundKind
    recipient: str
    ticket_id: int | None
    external_id: str
    message_id: int | None
    created_at: datetime
    sent_at: datetime | None
    content: MailContent
