"""What an outbound message in Slack says and where it is posted, as it is stored until it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.mail.stored_file import StoredFile
from desk.text import stored_record

Block = dict[str, Any]
"""A part of a message's layout, in the shape that Slack's Block Kit gives it."""


@dataclass(frozen=True, slots=True)
class SlackContent:
    """One message, ephemeral message, file, or card of a ticket."""

    channel: str = ""
    thread_ts: str = ""
    """The thread in the channel."""
    text: str = ""
    whisper_to: str = ""
    """The only account that sees it."""
    file: StoredFile | None = None
    card: int | None = None
    """The ticket whose card it posts or updates; the card is made when it is sent."""
    root: bool = False
    """Posts the card, if there is none to update."""
    thread_of: int | None = None
    """The ticket under whose card it is posted."""
    blocks: tuple[Block, ...] = ()
    """The card's layout."""
    update_ts: str = ""
    """The message that it updates."""

    @property
    def shared_place(self) -> str:
        return "" if self.whisper_to else self.channel

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SlackContent:
        return stored_record.from_json(cls, stored)

    def to_json(self) -> dict[str, Any]:
        return stored_record.to_json(self)
