"""The channels by which requests come, and what is true of each: one row of traits, which all other code asks.

Standard library only. A new channel is one word in `Channel` and one row in `TRAITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Channel(StrEnum):
    EMAIL = "email"
    SLACK = "slack"
    WEB = "web"
    API = "api"
    PHONE = "phone"


class Transport(StrEnum):
    """What carries an outbound message; `workers/outbound/transports.py` has the code of each."""

    MAIL = "mail"
    SLACK = "slack"


class OutboundContent(Protocol):
    """What an outbound message says; each transport has a frozen dataclass of its own."""

    @property
    def shared_place(self) -> str:
        """Where it is posted, if others may read it there; empty: it has one reader."""

    def to_json(self) -> dict[str, Any]:
        """As the row stores it."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is true of a channel."""

    transport: Transport = Transport.MAIL
    """What carries replies to its requesters."""
    is_mail: bool = False
    """Its requests are mails, with header fields, References, the sender's date and quoted text."""
    answered_by_mail: bool = True
    """Its requesters have mail addresses: acknowledgements, replies and reminders reach them there."""
    asks_csat: bool = True
    """Its requesters are asked by mail how it went."""
    shows_signature: bool = True
    """A reply ends with the signature of the agent, mailbox or team."""
    conversation_keys: str = ""
    """The keys of its own conversations (each is one ticket), as a pattern of SQL's LIKE; empty: it has none."""
    direct_prefix: str | None = None
    """How its transport marks the place where only one person reads; None: every outbound message has one reader."""
    longest_text: int = 1_000_000
    """Characters of one outbound message; what is longer is cut by us, with a word about it."""


TRAITS: Mapping[Channel, Traits] = {
    Channel.EMAIL: Traits(is_mail=True),
    Channel.WEB: Traits(),
    Channel.API: Traits(),
    Channel.PHONE: Traits(),
    Channel.SLACK: Traits(
        transport=Transport.SLACK,
        answered_by_mail=False,
        asks_csat=False,
        shows_signature=False,
        conversation_keys="slack:%:%:%",
        direct_prefix="D",
        # Slack cuts a text at 40,000 characters without a word.
        longest_text=35_000,
    ),
}
_BY_NAME: Mapping[str, Traits] = {str(channel): traits for channel, traits in TRAITS.items()}
_DIRECT: Mapping[str, str | None] = {str(each.transport): each.direct_prefix for each in TRAITS.values()}
CONVERSATION_PREFIXES = tuple(
    each.conversation_keys.partition("%")[0] for each in TRAITS.values() if each.conversation_keys
)
"""How the keys of conversations begin; no mail's Message-ID may look like one."""


def traits_of(channel: str) -> Traits:
    """The traits of a ticket's or request's channel; a ticket of an unknown channel is answered by mail."""
    return _BY_NAME.get(channel, TRAITS[Channel.WEB])


def is_read_by_others(transport: str, content: OutboundContent) -> bool:
    """Whether others than one person read an outbound message: it goes to a room, and not to one person in it."""
    prefix, place = _DIRECT.get(transport), content.shared_place
    return bool(place) and prefix is not None and not place.startswith(prefix)
