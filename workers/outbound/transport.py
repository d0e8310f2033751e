"""What every transport of outbound messages offers, whether mail or a chat: the one protocol that `deliver` knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from desk.channels import OutboundContent
from desk.mail.states import OutboundState
from desk.mail.stored_file import StoredFile
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.mail.outbound_message import ClaimedMessage


@dataclass(frozen=True, slots=True)
class Sent:
    """How a message ended: its state, the blob of a mail that was kept here, and the id that its channel gave it."""

    state: OutboundState = OutboundState.SENT
    raw: str = ""
    posted_as: str = ""


Send = Callable[[], Sent]
"""Sends one prepared message, outside of any transaction. Raises TransportError or Unsendable."""


class MessageTransport(Protocol):
    """Carries the messages of one round; what it opens for them stays open until `close`."""

    @property
    def is_remote(self) -> bool:
        """Whether sending waits for a far end, so that the message's lease must be renewed meanwhile."""

    def send_together(self, messages: Sequence[ClaimedMessage]) -> frozenset[int]:
        """Sends and marks all of them at once where that is possible; the ids of those that are done."""

    def prepare(self, session: Session, message: ClaimedMessage) -> Send:
        """Reads, in a reading transaction, all that sending needs. Raises TransportError or Unsendable."""

    def record_sent(self, session: Session, message: ClaimedMessage, sent: Sent) -> None:
        """Writes what the transport must remember, in the transaction that marks the row."""

    def close(self) -> None:
        """The end of the round."""


class ConversationTexts(Protocol):
    """What a channel with conversations of its own writes to requesters, in its own markup."""

    def content(self, conversation: str, text: str, file: StoredFile | None = None) -> OutboundContent:
        """What an outbound message to the conversation says."""

    def opened_text(self, ticket: Ticket, assignee: str, category: str, team: str) -> str:
        """The first answer; a name that is empty is not known yet."""

    def reply_text(self, author_name: str, text: str) -> str:
        """An agent's public reply."""

    def changed_text(self, what: str) -> str:
        """A change of the ticket in one line."""
