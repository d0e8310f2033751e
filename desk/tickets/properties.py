"""Further transitions: the properties of a ticket beside its status, owner and category. Each with its event.

Fields, tags taken off, parents, snooze, resolution, and the flag that nobody suitable was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from desk.tickets.event_data import FieldChange, Received, RequesterTransfer, TagChange
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, DONE, Actor, Change, Event, NotAllowed, Status, Ticket
from desk.tickets.transitions import NOT_REOPENED, resolve


def untag(ticket: Ticket, tags: tuple[str, ...], actor: Actor, at: datetime, why: str = "") -> Change:
    """Without these tags."""
    gone = tuple(tag for tag in ticket.tags if tag in tags)
    if not gone:
        return Change(ticket)
    left = tuple(tag for tag in ticket.tags if tag not in gone)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.UNTAGGED, actor, before=", ".join(gone), why=why, data=TagChange(tags=gone)),
        tags=left,
    )


def set_field(ticket: Ticket, name: str, value: Any, actor: Actor, at: datetime, why: str = "") -> Change:
    """A custom field (its value was checked against its kind before); None takes it away."""
    before = ticket.fields.get(name)
    if before == value:
        return Change(ticket)
    left = {key: held for key, held in ticket.fields.items() if key != name}
    fields = left if value is None else left | {name: value}
    data = FieldChange(name=name, old=before, new=value)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.FIELD_CHANGED, actor, _shown(before), _shown(value), why, data),
        fields=fields,
    )


def snooze(ticket: Ticket, until: datetime, actor: Actor, at: datetime, why: str = "") -> Change:
    """Out of the lists until that moment or until the requester writes."""
    if until <= at:
        raise NotAllowed("a ticket can only sleep until a moment that is still to come")
    if ticket.status in DONE:
        raise NotAllowed(f"a ticket that is {ticket.status} needs no sleep")
    before, after = ticket.snoozed_until.isoformat() if ticket.snoozed_until else "", until.astimezone(UTC).isoformat()
    return _change(
        ticket, Event(ticket.id, at, EventKind.SNOOZED, actor, before=before, after=after, why=why), snoozed_until=until
    )


def wake(ticket: Ticket, actor: Actor, at: datetime, why: str = "") -> Change:
    """Back into the lists."""
    if ticket.snoozed_until is None:
        return Change(ticket)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.WOKEN, actor, before=ticket.snoozed_until.isoformat(), why=why),
        snoozed_until=None,
    )


def set_parent(ticket: Ticket, parent: Ticket | None, actor: Actor, at: datetime) -> Change:
    """A child of that ticket; None: of none. A parent has no parent of its own, so that there are no circles."""
    number = parent.id if parent else None
    if ticket.parent_id == number:
        return Change(ticket)
    if parent is not None and (parent.id == ticket.id or parent.parent_id is not None):
        raise NotAllowed(f"#{parent.id} cannot be the parent: it is this ticket, or a child itself")
    before = f"#{ticket.parent_id}" if ticket.parent_id else ""
    after = f"#{number}" if number else ""
    return _change(
        ticket, Event(ticket.id, at, EventKind.PARENT_CHANGED, actor, before=before, after=after), parent_id=number
    )


def set_resolution(ticket: Ticket, text: str, actor: Actor, at: datetime, why: str = "") -> Change:
    """What solved it, in words that help the next one."""
    if ticket.resolution == text:
        return Change(ticket)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.RESOLUTION_SET, actor, before=ticket.resolution, after=text, why=why),
        resolution=text,
    )


@dataclass(frozen=True, slots=True)
class NewRequester:
    """Whose ticket it becomes; `before` and `after` are the addresses of the requester until then and from then on."""

    person_id: int
    organisation_id: int | None
    before: str
    after: str


def set_requester(ticket: Ticket, requester: NewRequester, actor: Actor, at: datetime) -> Change:
    """The ticket is somebody else's."""
    person_id, organisation_id = requester.person_id, requester.organisation_id
    before, after = requester.before, requester.after
    if ticket.requester_id == person_id:
        return Change(ticket)
    data = RequesterTransfer(
        from_id=ticket.requester_id,
        to_id=person_id,
        from_organisation=ticket.organisation_id,
        to_organisation=organisation_id,
    )
    owner: dict[str, Any] = {"requester_id": person_id, "organisation_id": organisation_id}
    return _change(
        ticket, Event(ticket.id, at, EventKind.REQUESTER_CHANGED, actor, before=before, after=after, data=data), **owner
    )


def flag_unroutable(ticket: Ticket, actor: Actor, at: datetime, why: str) -> Change:
    """Nobody suitable is there: seen by everybody, and its own clock runs from now."""
    if ticket.unroutable_at is not None:
        return Change(ticket)
    return _change(ticket, Event(ticket.id, at, EventKind.UNROUTABLE, actor, why=why), unroutable_at=at)


def not_resolved(ticket: Ticket, actor: Actor, at: datetime, why: str) -> Change:
    """It was meant to be resolved together with others, and could not be: the history says why."""
    return Change(ticket, (Event(ticket.id, at, EventKind.NOT_RESOLVED, actor, why=why),))


def remind(ticket: Ticket, at: datetime, why: str) -> Change:
    """The requester is asked once more, before the ticket is resolved for want of an answer."""
    return _change(ticket, Event(ticket.id, at, EventKind.REMINDED, DESK, why=why), reminded_at=at)


CONFIRMED = "the requester says that it works"
"""Why a ticket was resolved without an agent."""


def confirm(ticket: Ticket, actor: Actor, at: datetime, message_id: int | None = None) -> Change:
    """The requester says that it works: what is open or waits for the requester is resolved, what is finished stays so.

    A ticket that waits for a third party is only marked: somebody else is still at work on it.
    """
    done = ticket.status in DONE
    why, data = NOT_REOPENED if done else "", Received(confirmed=True)
    event = Event(ticket.id, at, EventKind.REQUESTER_REPLIED, actor, why=why, data=data, message_id=message_id)
    kept = ticket.reminded_at if done else None
    marked = Change(replace(ticket, updated_at=at, reminded_at=kept), (event,))
    if done or ticket.status is Status.ON_HOLD:
        return marked
    return marked.then(resolve(marked.ticket, actor, at, CONFIRMED))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _change(ticket: Ticket, event: Event, **fields: Any) -> Change:
    """The ticket with these fields, and the event that says so."""
    return Change(replace(ticket, updated_at=event.at, **fields), (event,))


def not_permitted(ticket: Ticket, actor: Actor, at: datetime, why: str, message_id: int | None = None) -> Change:
    """An agent asked for what the role does not allow: the words are kept, and nothing else happens."""
    return Change(ticket, (Event(ticket.id, at, EventKind.NOT_PERMITTED, actor, why=why, message_id=message_id),))
