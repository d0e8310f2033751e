"""One claimed request of a batch, with what matching derives from it: each key and token is computed once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from desk.channels import traits_of
from desk.mail.author import Author, list_addresses
from desk.mail.inbound_request import UNKNOWN_SENDER, InboundRequest, Party
from desk.signed import reply_address
from desk.tickets import threading
from desk.tickets.participants import Participation
from desk.tickets.threading import TokenParts


@dataclass(frozen=True)
class RequestKeys:
    """The keys under which a request is known and names others, and the tokens of its addresses."""

    request: InboundRequest
    secret: bytes

    @cached_property
    def own(self) -> str:
        """The key under which other messages name it."""
        return threading.own_key(self.request)

    @cached_property
    def content(self) -> str:
        """The key of its content, where its id belongs to another message."""
        return threading.content_key(self.request)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The keys of the messages that it names, the nearest parent first."""
        return threading.named_keys(self.request)

    @cached_property
    def signed_ids(self) -> list[tuple[int, str]]:
        """(ticket, id) of the genuine Message-IDs of ours that it names, nearest first."""
        return threading.signed_message_ids(self.request, self.secret)

    @cached_property
    def reply_addresses(self) -> tuple[str, ...]:
        """Its addresses that may carry a token, the envelope's first."""
        return threading.reply_addresses(self.request)

    @cached_property
    def tokens(self) -> tuple[TokenParts, ...]:
        """The tokens of its reply addresses, not verified."""
        return threading.reply_tokens(self.reply_addresses)

    @cached_property
    def may_command(self) -> bool:
        """Whether it was sent to an agent's reply address."""
        return threading.may_command(self.tokens)


@dataclass(frozen=True, slots=True)
class Item:
    """One claimed request."""

    inbound_id: int
    request: InboundRequest
    raw: str
    keys: RequestKeys
    behind: Author | None = None
    """The person behind what a form, a list or a device sent."""

    @property
    def author(self) -> Party:
        """Who wrote it: the person behind the mail, or the sender."""
        return self.behind.party if self.behind else self.request.sender

    @property
    def addressed(self) -> tuple[Party, ...]:
        """Whom the header names as recipients, without the lists that it came by."""
        lists = list_addresses(dict(self.request.origin))
        return tuple(party for party in (*self.request.to, *self.request.cc) if party.address not in lists)

    def answers_elsewhere(self, ours: Collection[str]) -> str:
        """Another address at which the sender asks for answers; nothing is sent there by itself."""
        asked = [party.address for party in self.request.reply_to if party.address != self.sender]
        wanted = asked[0] if len(asked) == 1 == len(self.request.reply_to) else ""
        return "" if reply_address.without_token(wanted) in ours else wanted

    @property
    def is_clear(self) -> bool:
        """Whether nobody would take its sender for another; a channel's own accounts always are."""
        return self.request.sender_clear or not traits_of(self.request.channel).is_mail

    def people(self, requester: str) -> dict[str, str]:
        """Who takes part in the ticket that it opens: its requester, and who passed the mail on."""
        people: dict[str, str] = {requester: Participation.REQUESTER}
        people.setdefault(self.sender, Participation.FORWARDER)
        return people

    @property
    def sender(self) -> str:
        """The author's address; mail without any has one that no mail can reach."""
        return self.author.address or UNKNOWN_SENDER
