"""Undo: which events of a history can be taken back, and the change that does it; a new event, never a deleted one.

It takes a ticket and its history with the events' numbers, and returns the numbers that can be undone now, or the
change, or NotAllowed with the reason. An undo is an event such as it undoes, from its after to its before; its data
names what it undid and what it restored. Only the newest change of a thing can be undone: what came later would
depend on it. Merge and split move messages, so `usecases/tickets/undo.py` takes those back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from desk.priority.levels import Priority
from desk.tickets import history as told
from desk.tickets.event_data import (
    NO_DATA,
    NOT_RECORDED,
    EventData,
    FieldChange,
    PriorityChange,
    RequesterTransfer,
    TagChange,
    Transfer,
)
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Status, Ticket

History = Sequence[tuple[int, Event]]
_THINGS: Mapping[EventKind, str] = {
    EventKind.REQUESTER_CHANGED: "requester",
    EventKind.STATUS_CHANGED: "status",
    EventKind.REOPENED: "status",
    EventKind.ASSIGNED: "owner",
    EventKind.TEAM_CHANGED: "team",
    EventKind.PRIORITY_CHANGED: "priority",
    EventKind.CATEGORY_CHANGED: "category",
    EventKind.PARENT_CHANGED: "parent",
    EventKind.SNOOZED: "sleep",
    EventKind.WOKEN: "sleep",
    EventKind.RESOLUTION_SET: "resolution",
}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "status": ("status", "resolved_at", "closed_at", "reminded_at"),
    "requester": ("requester_id", "organisation_id"),
    "owner": ("assignee_id",),
    "team": ("team_id",),
    "priority": ("priority",),
    "category": ("category",),
    "parent": ("parent_id",),
    "sleep": ("snoozed_until",),
    "resolution": ("resolution",),
}
MOVING = frozenset({EventKind.MERGED_INTO, EventKind.MERGED_FROM, EventKind.SPLIT})
"""These moved messages; `usecases/tickets/undo.py` moves them back."""
_FOLLOWS = (
    (EventKind.TEAM_CHANGED, EventKind.ASSIGNED, "moved to team"),
    (EventKind.ASSIGNED, EventKind.STATUS_CHANGED, "assigned"),
    (EventKind.STATUS_CHANGED, EventKind.WOKEN, ""),
)
"""What a verb brought along, and why: undone together with it."""


@dataclass(frozen=True, slots=True)
class Names:
    """What agents and teams are called; who is not named here is gone, and nothing can be given back to them."""

    agents: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)


def possible(ticket: Ticket, history: History) -> tuple[int, ...]:
    """The numbers of the events that can be undone now, oldest first."""
    holding = _Holding(history)
    found = []
    for place, (number, event) in enumerate(history):
        if ticket.merged_into is not None and event.kind != EventKind.MERGED_INTO:
            continue
        if _things(event) and all(not holding.why_not(history[one]) for one in holding.group(place)):
            found.append(number)
    return tuple(found)


def newest(ticket: Ticket, history: History) -> int:
    """What "undo" without a number means: the last step, which its first event names."""
    found = possible(ticket, history)
    if not found:
        raise NotAllowed("there is nothing to undo")
    holding, last = _Holding(history), found[-1]
    for place, (number, _) in enumerate(history):
        if number in found and last in [history[one][0] for one in holding.group(place)]:
            return number
    return last


def undo(ticket: Ticket, history: History, number: int, actor: Actor, at: datetime, names: Names) -> Change:
    """Takes the event back, with what it brought along."""
    holding = _Holding(history)
    group = holding.group(_place(history, number))
    _refuse(ticket, history, holding, group)
    before = told.replay(told.beginning(ticket, _events(history)), _events(history[: group[0]]))
    change = Change(ticket)
    for place in reversed(group):
        event_number, event = history[place]
        step = _Step(event, _restored(change.ticket, before, event), event_number, actor, at)
        change = change.then(_back(change.ticket, step, names))
    if not change.events:
        raise NotAllowed("the time until which it slept has passed")
    return change


def _things(event: Event) -> tuple[str, ...]:
    """What an event changed: a later change of the same thing depends on it."""
    if event.data.undid:
        return ()
    if event.kind in (EventKind.TAGGED, EventKind.UNTAGGED):
        return tuple(f"tag {tag}" for tag in told.tags_of(event))
    if event.kind == EventKind.FIELD_CHANGED:
        return (f"field {event.data_as(FieldChange).name}",)
    if event.kind in MOVING:
        return (f"{event.kind} {event.after}",)
    return (_THINGS[event.kind],) if event.kind in _THINGS else ()


class _Holding:
    """Thing → the numbers of its changes that still hold, the newest last."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.stacks: dict[str, list[int]] = {}
        for number, event in history:
            for gone in event.data.undid:
                for stack in self.stacks.values():
                    if gone in stack:
                        stack.remove(gone)
            for thing in _things(event):
                self.stacks.setdefault(thing, []).append(number)

    def why_not(self, numbered: tuple[int, Event]) -> str:
        """Why this event cannot be undone; empty if it can."""
        number, event = numbered
        for thing in _things(event):
            stack = self.stacks[thing]
            if number not in stack:
                return "this was undone already"
            if stack[-1] != number:
                later = next(one for known, one in self.history if known == stack[-1])
                return f"{thing} was changed again later, by {later.actor.name or 'the desk'}"
        return ""

    def group(self, place: int) -> list[int]:
        """The event and what it brought along and still holds, as places in the history."""
        group = [place]
        for then in range(place + 1, len(self.history)):
            if not _followed(self.history[then - 1][1], self.history[then][1]):
                break
            number, event = self.history[then]
            if any(number in self.stacks[thing] for thing in _things(event)):
                group.append(then)
        return group


def _refuse(ticket: Ticket, history: History, holding: _Holding, group: Sequence[int]) -> None:
    if ticket.merged_into is not None:
        raise NotAllowed(f"ticket #{ticket.id} was merged into #{ticket.merged_into}; undo that first")
    event = history[group[0]][1]
    if event.data.undid:
        raise NotAllowed("this was an undo; do it anew instead")
    if not _things(event) or event.kind in MOVING:
        raise NotAllowed(f'"{event.kind.replace("_", " ")}" is nothing that can be undone')
    for place in group:
        why = holding.why_not(history[place])
        if why:
            raise NotAllowed(why)


def _followed(event: Event, then: Event) -> bool:
    if event.at != then.at or event.actor != then.actor:
        return False
    return any((event.kind, then.kind) == (a, b) and then.why.startswith(why) for a, b, why in _FOLLOWS)


def _restored(ticket: Ticket, before: Ticket, event: Event) -> dict[str, Any]:
    """The fields that the undo of this event sets."""
    if event.kind in (EventKind.TAGGED, EventKind.UNTAGGED):
        return {"tags": _tags_back(ticket, before, event)}
    if event.kind == EventKind.FIELD_CHANGED:
        name = event.data_as(FieldChange).name
        left = {key: held for key, held in ticket.fields.items() if key != name}
        return {"fields": left | {name: before.fields[name]} if name in before.fields else left}
    values = {name: getattr(before, name) for name in _FIELDS[_THINGS[event.kind]]} | _said(event)
    reasons = event.data_as(PriorityChange).was_why
    if reasons is not None:
        values["priority_why"] = reasons
    return values


def _said(event: Event) -> dict[str, Any]:
    """What the event itself says of the moment before: imported tickets have no history that would tell."""
    if event.kind in (EventKind.ASSIGNED, EventKind.TEAM_CHANGED):
        name = "assignee_id" if event.kind == EventKind.ASSIGNED else "team_id"
        before = event.data_as(Transfer).from_id
        return {name: before} if before != NOT_RECORDED else {}
    if event.kind == EventKind.REQUESTER_CHANGED:
        transfer = event.data_as(RequesterTransfer)
        return {"requester_id": transfer.from_id, "organisation_id": transfer.from_organisation}
    if event.kind in (EventKind.STATUS_CHANGED, EventKind.REOPENED):
        return {"status": Status(event.before)}
    if event.kind == EventKind.PRIORITY_CHANGED:
        return {"priority": Priority(event.before)}
    return {"category": event.before or None} if event.kind == EventKind.CATEGORY_CHANGED else {}


def _tags_back(ticket: Ticket, before: Ticket, event: Event) -> tuple[str, ...]:
    """Without what was added, or with what was taken off, in the order that it had."""
    changed = told.tags_of(event)
    if event.kind == EventKind.TAGGED:
        return tuple(tag for tag in ticket.tags if tag not in changed)
    known = [tag for tag in before.tags if tag in ticket.tags or tag in changed]
    return (*known, *(tag for tag in ticket.tags if tag not in known))


@dataclass(frozen=True, slots=True)
class _Step:
    """One event to take back, and what that restores."""

    event: Event
    restored: dict[str, Any]
    number: int
    actor: Actor
    at: datetime


def _back(ticket: Ticket, step: _Step, names: Names) -> Change:
    event, restored = step.event, step.restored
    until = restored.get("snoozed_until")
    if event.kind in (EventKind.SNOOZED, EventKind.WOKEN) and until is not None and until <= step.at:
        restored = {"snoozed_until": None}
    if all(getattr(ticket, name) == value for name, value in restored.items()):
        return Change(ticket)
    kind, before, after, more = _words(ticket, event, restored, names)
    data = replace(more, undid=(step.number,), restored=told.encoded(restored))
    why = f"undid what {event.actor.name or 'the desk'} did at {event.at:%Y-%m-%d %H:%M} UTC"
    new = Event(ticket.id, step.at, kind, step.actor, before, after, why, data)
    return Change(replace(ticket, updated_at=step.at, **restored), (new,))


def _words(
    ticket: Ticket, event: Event, restored: Mapping[str, Any], names: Names
) -> tuple[EventKind, str, str, EventData]:
    """Kind, before, after and data of the event that tells it, in the shape that its verb would have given it."""
    match event.kind:
        case EventKind.TAGGED:
            return EventKind.UNTAGGED, event.after, "", TagChange(tags=told.tags_of(event))
        case EventKind.UNTAGGED:
            return EventKind.TAGGED, "", event.before, TagChange(tags=told.tags_of(event))
        case EventKind.SNOOZED | EventKind.WOKEN:
            until, now = restored["snoozed_until"], ticket.snoozed_until
            kind = EventKind.SNOOZED if until else EventKind.WOKEN
            return kind, now.isoformat() if now else "", until.isoformat() if until else "", NO_DATA
        case EventKind.ASSIGNED:
            return _given_back(EventKind.ASSIGNED, ticket.assignee_id, restored["assignee_id"], names.agents, "agent")
        case EventKind.TEAM_CHANGED:
            return _given_back(EventKind.TEAM_CHANGED, ticket.team_id, restored["team_id"], names.teams, "team")
        case EventKind.FIELD_CHANGED:
            change = event.data_as(FieldChange)
            back = FieldChange(name=change.name, old=change.new, new=restored["fields"].get(change.name))
            return event.kind, event.after, event.before, back
        case EventKind.REOPENED:
            return EventKind.STATUS_CHANGED, event.after, event.before, NO_DATA
        case _:
            return event.kind, event.after, event.before, NO_DATA


def _given_back(
    kind: EventKind, now: int | None, then: int | None, names: Mapping[int, str], what: str
) -> tuple[EventKind, str, str, EventData]:
    if then is not None and then not in names:
        raise NotAllowed(f"the {what} who had it before is not there any more")
    return kind, "", names.get(then, "") if then else "", Transfer(from_id=now, to_id=then)


def _place(history: History, number: int) -> int:
    place = next((place for place, (known, _) in enumerate(history) if known == number), None)
    if place is None:
        raise NotAllowed(f"event {number} is not in this ticket's history")
    return place


def _events(history: History) -> list[Event]:
    return [event for _, event in history]
