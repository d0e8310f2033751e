"""A ticket as its history tells it: read from the first event on, the events give the ticket as it was at any moment.

It takes a ticket and its events in order, and returns the ticket before the first of them, and after each. It changes
nothing. What follows from clocks (`due_at`) and the words of messages are not in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from desk.priority.levels import Priority
from desk.priority.reasons import PriorityReasons
from desk.tickets.event_data import FieldChange, NonDelivery, Opening, RequesterTransfer, TagChange, Transfer
from desk.tickets.events import EventKind
from desk.tickets.ticket import DONE, ActorKind, Event, Status, Ticket
from desk.tickets.transitions import NOT_REOPENED

TOLD = (
    "requester_id", "status", "priority", "category", "team_id", "assignee_id", "organisation_id", "tags", "fields",
    "parent_id", "merged_into", "resolution", "snoozed_until", "reminded_at", "first_response_at", "resolved_at",
    "closed_at", "undelivered_at",
)  # fmt: skip
"""What of a ticket its history tells."""


def beginning(ticket: Ticket, events: Iterable[Event]) -> Ticket:
    """The ticket as it was when it was opened."""
    events = list(events)
    first = next((event for event in events if event.kind == EventKind.OPENED), None)
    data = first.data_as(Opening) if first else Opening()
    changed = next((event for event in events if event.kind == EventKind.REQUESTER_CHANGED), None)
    requester = changed.data_as(RequesterTransfer).from_id if changed else ticket.requester_id
    blank = Ticket(ticket.id, ticket.subject, requester, ticket.created_at, ticket.created_at)
    return replace(
        blank,
        **{name: getattr(ticket, name) for name in ("mailbox_id", "channel", "conversation", "version", "due_at")},
        priority=Priority(data.priority or Priority.MEDIUM),
        category=data.category,
        team_id=data.team_id,
        organisation_id=data.organisation_id,
    )


def replay(ticket: Ticket, events: Iterable[Event]) -> Ticket:
    """The ticket after these events, if it was `ticket` before."""
    for event in events:
        ticket = after(ticket, event)
    return ticket


def after(ticket: Ticket, event: Event) -> Ticket:
    """The ticket after one event."""
    if event.data.restored is not None:
        return replace(ticket, **_decoded(event.data.restored))
    tell = _TELLS.get(event.kind)
    return replace(ticket, updated_at=event.at, **tell(ticket, event)) if tell else ticket


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a ticket as JSON has them."""
    return {name: _encoded(value) for name, value in values.items()}


def _encoded(value: Any) -> Any:
    if isinstance(value, PriorityReasons):
        return value.to_json()
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "status": Status,
    "priority": Priority,
    "tags": tuple,
    "priority_why": PriorityReasons.from_json,
}


def _decoded(values: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(values)
    for name, kind in _DECODERS.items():
        if name in found:
            found[name] = kind(found[name])
    for name in found:
        if (name.endswith("_at") or name == "snoozed_until") and isinstance(found[name], str):
            found[name] = datetime.fromisoformat(found[name])
    return found


def _moved(ticket: Ticket, event: Event) -> dict[str, Any]:
    status = Status(event.after)
    kept = ticket.resolved_at if status is Status.CLOSED else None
    return {
        "status": status,
        "resolved_at": event.at if status is Status.RESOLVED else kept,
        "closed_at": event.at if status is Status.CLOSED else None,
        "reminded_at": None,
        "unroutable_at": None if status in DONE else ticket.unroutable_at,
        "undelivered_at": None if status in DONE and _by_agent(event) else ticket.undelivered_at,
    }


def tags_of(event: Event) -> tuple[str, ...]:
    """Which tags it added or took off."""
    return event.data_as(TagChange).tags or tuple((event.after or event.before).split(", "))


def field_of(event: Event) -> tuple[str, Any]:
    """The custom field that changed, and its value since then; None: none."""
    change = event.data_as(FieldChange)
    return change.name, change.new if change.new is not None else event.after or None


def _field(ticket: Ticket, event: Event) -> dict[str, Any]:
    name, value = field_of(event)
    left = {key: held for key, held in ticket.fields.items() if key != name}
    return {"fields": left if value is None else left | {name: value}}


def _said(ticket: Ticket, event: Event) -> dict[str, Any]:
    flag = None if _by_agent(event) else ticket.undelivered_at
    return {"first_response_at": ticket.first_response_at or event.at, "reminded_at": None, "undelivered_at": flag}


def _answered(ticket: Ticket, event: Event) -> dict[str, Any]:
    return {"reminded_at": ticket.reminded_at if event.why == NOT_REOPENED else None, "undelivered_at": None}


def _undelivered(ticket: Ticket, event: Event) -> dict[str, Any]:
    failure = event.data_as(NonDelivery)
    responded = None if failure.first_response else ticket.first_response_at
    flag = event.at if failure.flagged else ticket.undelivered_at
    return {"undelivered_at": flag, "first_response_at": responded}


def _by_agent(event: Event) -> bool:
    return event.actor.kind is ActorKind.AGENT


def _number(event: Event) -> int | None:
    return int(event.after.removeprefix("#")) if event.after else None


_TELLS: Mapping[EventKind, Callable[[Ticket, Event], dict[str, Any]]] = {
    EventKind.STATUS_CHANGED: _moved,
    EventKind.REOPENED: _moved,
    EventKind.ASSIGNED: lambda _t, e: {"assignee_id": e.data_as(Transfer).to_id or None},
    EventKind.TEAM_CHANGED: lambda _t, e: {"team_id": e.data_as(Transfer).to_id or None},
    EventKind.REQUESTER_CHANGED: lambda _t, e: {
        "requester_id": e.data_as(RequesterTransfer).to_id,
        "organisation_id": e.data_as(RequesterTransfer).to_organisation,
    },
    EventKind.PRIORITY_CHANGED: lambda _t, e: {"priority": Priority(e.after)},
    EventKind.CATEGORY_CHANGED: lambda _t, e: {"category": e.after or None},
    EventKind.TAGGED: lambda t, e: {"tags": t.tags + tuple(tag for tag in tags_of(e) if tag not in t.tags)},
    EventKind.UNTAGGED: lambda t, e: {"tags": tuple(tag for tag in t.tags if tag not in tags_of(e))},
    EventKind.FIELD_CHANGED: _field,
    EventKind.PARENT_CHANGED: lambda _t, e: {"parent_id": _number(e)},
    EventKind.SNOOZED: lambda _t, e: {"snoozed_until": datetime.fromisoformat(e.after)},
    EventKind.WOKEN: lambda _t, _e: {"snoozed_until": None},
    EventKind.RESOLUTION_SET: lambda _t, e: {"resolution": e.after},
    EventKind.MERGED_INTO: lambda _t, e: {"merged_into": _number(e)},
    EventKind.REMINDED: lambda _t, e: {"reminded_at": e.at},
    EventKind.REPLIED: _said,
    EventKind.REQUESTER_REPLIED: _answered,
    EventKind.UNDELIVERABLE: _undelivered,
    EventKind.DELIVERY_FAILED: _undelivered,
}
