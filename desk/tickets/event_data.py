"""What an event of a ticket says beyond who, from, to and why: a frozen dataclass for each family of kinds.

Rows that other releases stored are read as far as their keys are known; what no field names is kept and shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, TypeVar

from desk.priority.reasons import PriorityReasons
from desk.text import stored_record
from desk.text.stored_record import always_stored, stored_as
from desk.tickets.events import EventKind

T = TypeVar("T", bound="EventData")
NOT_RECORDED = 0
"""No row has this number: older events do not say who had the ticket."""


@dataclass(frozen=True, slots=True)
class EventData:
    """What an event of any kind may say."""

    via: str = ""
    """How an agent did it: console, mail, slack…"""
    side: int = 0
    """The side conversation that it belongs to."""
    undid: tuple[int, ...] = ()
    """The numbers of the events that it undid."""
    restored: Mapping[str, Any] | None = None
    """The fields of the ticket that an undo set again, as JSON."""
    set_aside: bool = False
    """Its ticket was closed as it came: nobody is notified of it, and no figure counts it."""
    newcomers: tuple[str, ...] = ()
    """Who is in copy of this message and was not in the conversation before."""
    verified: bool | None = None
    """False: our mail server could not verify the sender."""
    skills: tuple[str, ...] = ()
    """What routing asked for."""
    closed: bool | None = None
    """Whether nobody could take the ticket because all are off work."""
    opening: bool = False
    """It is part of the ticket's opening, so that nobody is notified twice."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What no field names."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored and as the JSON API shows it."""
        row = stored_record.to_json(self)
        return {**row.pop("more", {}), **row}


@dataclass(frozen=True, slots=True)
class Opening(EventData):
    """A ticket as its first event found it."""

    priority: str = ""
    priority_reasons: tuple[str, ...] = ()
    category: str | None = None
    team_id: int | None = None
    organisation_id: int | None = None
    automatic: str = ""
    """The kind of automatic mail that opened it."""
    reason: str = ""
    """What shows that it is automatic."""


@dataclass(frozen=True, slots=True)
class Transfer(EventData):
    """Another assignee or team, by number; None: nobody."""

    from_id: int | None = NOT_RECORDED
    to_id: int | None = NOT_RECORDED


@dataclass(frozen=True, slots=True)
class RequesterTransfer(EventData):
    """Another requester, with the organisation that the ticket had and has."""

    from_id: int = NOT_RECORDED
    to_id: int = NOT_RECORDED
    from_organisation: int | None = always_stored(None)
    to_organisation: int | None = always_stored(None)


@dataclass(frozen=True, slots=True)
class TagChange(EventData):
    """The tags that were added or taken off."""

    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldChange(EventData):
    """A custom field and its values; None: it was not set."""

    name: str = stored_as("field")
    old: Any = field(default=None, metadata={"key": "from", "always": True})
    new: Any = field(default=None, metadata={"key": "to", "always": True})


@dataclass(frozen=True, slots=True)
class PriorityChange(EventData):
    """The reasons of the priority before, and the incident that raised it."""

    was_why: PriorityReasons | None = None
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Received(EventData):
    """A message of the requester; whether it says that the answer works."""

    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class NonDelivery(EventData):
    """A mail that did not arrive."""

    recipient: str = ""
    """The kind of the mail."""
    flagged: bool = False
    """The ticket was brought back for it."""
    reply: int | None = None
    """The message that did not reach the requester."""
    first_response: bool = False
    """It was the first response, which has not been given therefore."""


@dataclass(frozen=True, slots=True)
class Merge(EventData):
    """What went over with a merge."""

    messages: tuple[int, ...] | None = None
    """None: older merges did not record it."""
    copies: tuple[str, ...] = ()
    """Who came in copy by it."""
    were: Mapping[str, str] = field(default_factory=dict)
    """What these were before."""


@dataclass(frozen=True, slots=True)
class Mention(EventData):
    """The agents whom a note mentions."""

    mentioned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CopySuggestion(EventData):
    """Whom an agent may put in copy."""

    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentNamed(EventData):
    """The agent whom the event is about."""

    agent_id: int = 0
    offered: bool | None = None
    """Whether the address that was seen is offered to the agent as their own."""


@dataclass(frozen=True, slots=True)
class RatingGiven(EventData):
    """A requester's rating."""

    rating: int = 0
    score: int | None = None
    low: bool | None = None


@dataclass(frozen=True, slots=True)
class SlaTarget(EventData):
    """A due time that is near or over."""

    target: str = ""
    policy: str = ""
    policy_id: int = 0
    priority: str = ""
    due_at: str | None = None
    quiet: bool = False
    """Nobody is notified: it was over before the policy came."""


@dataclass(frozen=True, slots=True)
class SideSent(EventData):
    """A message of a side conversation."""

    files: int = 0


@dataclass(frozen=True, slots=True)
class RuleRun(EventData):
    """What a rule did, and what was refused."""

    did: str = ""
    refused: str = ""


NO_DATA = EventData()
FAMILIES: Mapping[EventKind, type[EventData]] = {
    EventKind.OPENED: Opening,
    EventKind.REQUESTER_REPLIED: Received,
    EventKind.NOTED: Mention,
    EventKind.MENTIONED: Mention,
    EventKind.ASSIGNED: Transfer,
    EventKind.TEAM_CHANGED: Transfer,
    EventKind.REQUESTER_CHANGED: RequesterTransfer,
    EventKind.TAGGED: TagChange,
    EventKind.UNTAGGED: TagChange,
    EventKind.FIELD_CHANGED: FieldChange,
    EventKind.PRIORITY_CHANGED: PriorityChange,
    EventKind.UNDELIVERABLE: NonDelivery,
    EventKind.DELIVERY_FAILED: NonDelivery,
    EventKind.DELIVERY_DELAYED: NonDelivery,
    EventKind.MERGED_INTO: Merge,
    EventKind.COPY_SUGGESTED: CopySuggestion,
    EventKind.ALIAS_SEEN: AgentNamed,
    EventKind.WATCHED: AgentNamed,
    EventKind.UNWATCHED: AgentNamed,
    EventKind.REPLY_RETURNED: AgentNamed,
    EventKind.RATED: RatingGiven,
    EventKind.SLA_WARNED: SlaTarget,
    EventKind.SLA_BREACHED: SlaTarget,
    EventKind.SIDE_SENT: SideSent,
    EventKind.AUTOMATION_FIRED: RuleRun,
}
"""The family of each kind; the others say nothing beyond what any event may say."""


def read_data(kind: str, stored: Mapping[str, Any] | None) -> EventData:
    """The data of an event of that kind, as a row has it."""
    if not stored:
        return NO_DATA
    family = FAMILIES.get(EventKind(kind), EventData)
    data = stored_record.from_json(family, stored)
    unknown = stored.keys() - _keys_of(family)
    return replace(data, more={key: stored[key] for key in stored if key in unknown}) if unknown else data


def _keys_of(family: Any) -> frozenset[str]:
    return _keys(family)


@cache
def _keys(family: Any) -> frozenset[str]:
    return frozenset(each.metadata.get("key", each.name) for each in fields(family)) - {"more"}
