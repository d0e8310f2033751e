"""Which ticket a message belongs to, and which signal said so. Values in, a decision out.

Signals in order: signed reply address, our signed Message-ID, known Message-IDs of the thread, subject tag, the
ticket number of the sender's own desk. Whichever it was, only a participant's message is appended (`participants.py`;
by such a number also that of somebody of a participant's organisation); anybody else's opens a linked ticket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from desk.channels import CONVERSATION_PREFIXES, traits_of
from desk.mail.inbound_request import InboundRequest
from desk.people.organisations import organisation
from desk.signed import reply_address
from desk.tickets import subject

TokenParts = tuple[str, int, int, str, str]
"""Purpose, ticket, person, day and mac of a reply address."""


class Signal(StrEnum):
    """What decided; stored on the message."""

    ADDRESS = "signed-address"
    MESSAGE_ID = "signed-message-id"
    REFERENCES = "references"
    CONVERSATION = "conversation"
    SUBJECT = "subject-tag"
    LATE = "named-by-a-reply"
    FOREIGN = "foreign-number"
    NONE = "new"

    @property
    def signed(self) -> bool:
        """Whether only the desk itself could have made what named the ticket."""
        return self in (Signal.ADDRESS, Signal.MESSAGE_ID)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticket that a signal names. `detail` is what named it, for people to read."""

    ticket_id: int
    signal: Signal
    detail: str


def own_key(request: InboundRequest) -> str:
    """Under which key other messages will name this one; the content's hash where it has no id of its own."""
    if request.thread.conversation:
        return f"{request.thread.conversation}#{request.external_id}"
    return mail_key(request.thread.message_id) if request.thread.message_id else content_key(request)


def is_timeless(request: InboundRequest) -> bool:
    """Whether nothing but the time tells it from the same words of another day: no id, and in a mail no date either."""
    dated = traits_of(request.channel).is_mail and request.sent_at is not None
    return not (request.thread.message_id or request.thread.conversation or dated)


def content_key(request: InboundRequest) -> str:
    return f"hash:{request.content_hash}"


def named_keys(request: InboundRequest, most: int = 50) -> tuple[str, ...]:
    """The keys of the messages that this one names: the nearest parent first, at most `most`."""
    if request.thread.conversation:
        return (request.thread.conversation,)
    ids = [*request.thread.in_reply_to, *reversed(request.thread.references)]
    return tuple(dict.fromkeys(mail_key(i) for i in ids if i and i != request.thread.message_id))[:most]


def mail_key(message_id: str) -> str:
    """A mail's id as a key; it can never look like another channel's key. At most 400 octets (index limit)."""
    guarded = f"mail:{message_id}" if message_id.startswith((*CONVERSATION_PREFIXES, "hash:", "mail:")) else message_id
    if len(guarded) <= 400:
        return guarded
    return f"mail:{guarded[:300]}:{hashlib.sha256(guarded.encode('utf-8', 'replace')).hexdigest()}"


def reply_addresses(request: InboundRequest) -> tuple[str, ...]:
    """All addresses that may carry a token, the envelope's first."""
    headers = [*request.thread.delivered_to, *(p.address for p in (*request.to, *request.cc))]
    return tuple(dict.fromkeys(a for a in (*request.envelope.rcpt_to, *headers) if "+" in a))


def reply_tokens(addresses: Sequence[str]) -> tuple[TokenParts, ...]:
    """The parts of those reply addresses that carry a token; they prove nothing yet."""
    return tuple(token for token in map(reply_address.token_of, addresses) if token is not None)


def may_command(tokens: Sequence[TokenParts]) -> bool:
    """Whether a mail has the shape of an agent's: one of its tokens is that of an agent's reply address."""
    return any(token[0] in (reply_address.AGENT, reply_address.SIDE_AGENT) for token in tokens)


def delivery_addresses(request: InboundRequest) -> tuple[str, ...]:
    """Where the transport delivered it; for a fetched mail, whose envelope is lost, also the To header."""
    fetched = request.source.startswith("imap:")
    to = [party.address for party in request.to] if fetched else []
    return (*request.envelope.rcpt_to, *request.thread.delivered_to, *to)


def signed_message_ids(request: InboundRequest, secret: bytes) -> list[tuple[int, str]]:
    """(ticket, id) of the genuine Message-IDs of ours that the mail names, nearest first."""
    ids = [*request.thread.in_reply_to, *reversed(request.thread.references)]
    found = [(reply_address.ticket_of_message_id(i, secret), i) for i in ids if "fd." in i.lower()]
    return [(ticket, i) for ticket, i in found if ticket is not None]


def external_reference_keys(request: InboundRequest, author: str) -> tuple[tuple[str, str], ...]:
    """(number, organisation) of the ticket numbers in a mail's subject, as those of its author's own desk."""
    if not traits_of(request.channel).is_mail or "@" not in author:
        return ()
    return tuple((number, organisation(author)) for number in subject.lasting_numbers(request.subject))


def may_speak_for_desk(sender: str, participants: Collection[str], own_domains: Collection[str]) -> bool:
    """Whether a mail with a known number of its organisation may be appended: a desk writes from several addresses.

    Those whom only a domain of many strangers, or our own, has in common are no desk.
    """
    whose = organisation(sender)
    if sender in participants or "@" in whose or whose in own_domains:
        return sender in participants
    return any(organisation(each) == whose for each in participants)


def first_known(keys: Sequence[str], tickets: dict[str, int], channel: str) -> Candidate | None:
    """The nearest named message that is known."""
    signal = Signal.CONVERSATION if traits_of(channel).conversation_keys else Signal.REFERENCES
    return next((Candidate(tickets[key], signal, key) for key in keys if key in tickets), None)
