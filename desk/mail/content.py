"""What an outbound mail says, as it is stored until it is composed: header fields, texts and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.mail.stored_file import StoredFile
from desk.text import stored_record
from desk.text.stored_record import stored_as


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that is quoted below a reply, and the line above it."""

    attribution: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class MailContent:
    """One mail. Rows of other releases may have no field of it but the text."""

    mailbox: str = stored_as("from")
    """The address in From."""
    from_name: str = ""
    to: str = ""
    """The address in To; empty: the recipient's."""
    to_name: str = ""
    reply_to: str = ""
    subject: str = ""
    text: str = ""
    signature: str = ""
    quote: Quote = Quote()
    cc: tuple[str, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[StoredFile, ...] = ()
    automatic: bool = False
    """A machine wrote it, which its header says, so that no machine answers."""
    alone: bool = False
    """Everybody in copy has a row of their own."""
    side: int = 0
    """The side conversation that it belongs to."""
    ticket: int = 0

    @property
    def shared_place(self) -> str:
        """A mail has one reader."""
        return ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> MailContent:
        return stored_record.from_json(cls, stored)

    def to_json(self) -> dict[str, Any]:
        return stored_record.to_json(self)
