"""The ticket, its messages and its events, as plain values.

What may happen to a ticket is in `transitions`; nothing here stores, sends or asks the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from desk.mail.inbound_request import Cut
from desk.mail.stored_file import StoredFile
from desk.mail.trust import UNKNOWN_TRUST, MessageTrust
from desk.priority.levels import Priority
from desk.priority.reasons import NO_REASONS, PriorityReasons
from desk.tickets.event_data import NO_DATA, EventData
from desk.tickets.events import EventKind

T = TypeVar("T", bound=EventData)


class NotAllowed(ValueError):
    """The verb does not fit the ticket as it is; the text says why, for the person who asked."""


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


class MessageKind(StrEnum):
    REPLY = "reply"
    NOTE = "note"
    AUTOMATIC = "automatic"
    SIDE = "side"


class ActorKind(StrEnum):
    REQUESTER = "requester"
    AGENT = "agent"
    THIRD_PARTY = "third_party"
    SYSTEM = "system"


MOVES: Mapping[Status, frozenset[Status]] = {
    Status.NEW: frozenset(set(Status) - {Status.NEW}),
    Status.OPEN: frozenset({Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED}),
    Status.PENDING: frozenset({Status.OPEN, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED}),
    Status.ON_HOLD: frozenset({Status.OPEN, Status.PENDING, Status.RESOLVED, Status.CLOSED}),
    Status.RESOLVED: frozenset({Status.OPEN, Status.CLOSED}),
    Status.CLOSED: frozenset({Status.OPEN}),
}
"""Which status may follow which; the one table of the lifecycle. Only an undo goes a move of it backwards."""
DONE = frozenset({Status.RESOLVED, Status.CLOSED})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `id` is a row of people; None for the desk itself."""

    kind: ActorKind
    id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, when, and by which channel (console, mail, slack, a rule…)."""

    actor: Actor
    at: datetime
    via: str = ""


DESK = Actor(ActorKind.SYSTEM, None, "Frontdesk")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request with one owner. `id` is its number; `version` rises with every stored change; `undelivered_at` says
    since when it is known that the last answer did not reach the requester."""

    id: int
    subject: str
    requester_id: int
    created_at: datetime
    updated_at: datetime
    status: Status = Status.NEW
    priority: Priority = Priority.MEDIUM
    category: str | None = None
    team_id: int | None = None
    assignee_id: int | None = None
    mailbox_id: int | None = None
    channel: str = "email"
    conversation: str = ""
    tags: tuple[str, ...] = ()
    priority_why: PriorityReasons = NO_REASONS
    fields: Mapping[str, Any] = field(default_factory=dict)
    organisation_id: int | None = None
    parent_id: int | None = None
    merged_into: int | None = None
    resolution: str = ""
    snoozed_until: datetime | None = None
    due_at: datetime | None = None
    unroutable_at: datetime | None = None
    reminded_at: datetime | None = None
    undelivered_at: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one ticket: who, what, from, to, why, when."""

    ticket_id: int
    at: datetime
    kind: EventKind
    actor: Actor
    before: str = ""
    after: str = ""
    why: str = ""
    data: EventData = NO_DATA
    message_id: int | None = None

    def data_as(self, family: type[T]) -> T:
        """Its data as that family has it; empty if the event says nothing of it."""
        return self.data if isinstance(self.data, family) else family()

    def with_data(self, **fields: Any) -> Event:
        """The same event, of which its data says this too."""
        return replace(self, data=replace(self.data, **fields))


@dataclass(frozen=True, slots=True)
class Change:
    """The ticket after a verb, and what to write into its history. No events: nothing changed."""

    ticket: Ticket
    events: tuple[Event, ...] = ()

    def then(self, other: Change) -> Change:
        """This change followed by one that was made from its ticket."""
        return Change(other.ticket, self.events + other.events)


@dataclass(frozen=True, slots=True)
class Recipients:
    """The addresses in To and Cc."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()


NO_RECIPIENTS = Recipients()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a ticket: a public reply, a note, automatic mail, or a word of the side conversation `side_id`.

    `recipients` are the To and Cc addresses; `signal` is what decided the thread, `trust` what is known of the sender.
    `cut` is what the shown text leaves out. `id` is 0 until storage gives it a number.
    """

    ticket_id: int
    kind: MessageKind
    inbound: bool
    author: Actor
    created_at: datetime
    id: int = 0
    author_address: str = ""
    subject: str = ""
    text: str = ""
    reply: str = ""
    html: str = ""
    cut: tuple[Cut, ...] = ()
    attachments: tuple[StoredFile, ...] = ()
    recipients: Recipients = NO_RECIPIENTS
    external_id: str = ""
    content_hash: str = ""
    references: tuple[str, ...] = ()
    sent_at: datetime | None = None
    inbound_id: int | None = None
    signal: str = ""
    signal_detail: str = ""
    trust: MessageTrust = UNKNOWN_TRUST
    side_id: int | None = None
    raw: str = ""
