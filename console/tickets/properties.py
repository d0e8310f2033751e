"""Ticket properties beside status and owner: snooze, tags, custom fields, CC, links, parent; and undo from the history.

Each form carries the ticket's version, as in `console/tickets/actions.py`, and each action is an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response

from console.web.request_context import Action, Visit
from desk.tickets import fields as field_rules
from desk.tickets import properties
from desk.tickets.event_data import CopySuggestion
from desk.tickets.participants import Participation
from desk.tickets.ticket import DONE, Change, Event, NotAllowed, Ticket
from desk.web.clean_input import check_day
from storage.people import organisations, time_zones
from storage.tickets import tickets
from usecases.tickets import cc, custom_fields, requester, undo
from usecases.tickets import links as ticket_links

Fields = Mapping[str, str]
MORNING = 9
WAITING = frozenset({Participation.ASKED, Participation.NAMED, Participation.SENDER})
PARTS: Mapping[str, str] = {
    Participation.ADDED: "in CC",
    Participation.CC: "in CC, by the requester",
    Participation.SENDER: "wrote here; not in CC",
    Participation.ASKED: "was written to as well; not in CC",
    Participation.NAMED: "named in a mail; not in CC",
    Participation.FORWARDER: "passed it on",
}
QUICK: Mapping[str, str] = {
    "3h": "In 3 hours",
    "tomorrow": "Tomorrow, 9:00",
    "monday": "Next Monday, 9:00",
}
"""The choices of sleep that need no typing."""


def page_values(visit: Visit, ticket: Ticket, history: Sequence[Event]) -> dict[str, Any]:
    """Template values; `numbers` has the number of each event that can be undone, by its position in the history."""
    all_fields = custom_fields.list_all(visit.session)
    return {
        "custom_fields": field_rules.of_category(all_fields, ticket),
        "family_links": ticket_links.links_of(visit.session, ticket.id),
        "link_kinds": ticket_links.KINDS,
        "parent": tickets.get(visit.session, ticket.parent_id) if ticket.parent_id else None,
        "children": ticket_links.children(visit.session, ticket.id),
        "organisation": organisations.names(visit.session, [ticket.organisation_id or 0]).get(
            ticket.organisation_id or 0
        ),
        "sleeps": QUICK,
        "parts": PARTS,
        "newcomers": _newcomers(visit, ticket, history),
        "done_statuses": DONE,
        "undoable": _undoable(visit, ticket, history),
    }


def _newcomers(visit: Visit, ticket: Ticket, history: Sequence[Event]) -> list[str]:
    """Addresses suggested for CC that no agent has decided about."""
    named = [each for event in history for each in event.data_as(CopySuggestion).addresses]
    people = tickets.participants_of(visit.session, [ticket.id])[ticket.id] if named else {}
    return [each for each in dict.fromkeys(named) if people.get(each) in WAITING]


def _undoable(visit: Visit, ticket: Ticket, shown: Sequence[Event]) -> dict[int, int]:
    """Position in the shown history → number of the event, where it can be undone."""
    possible = set(undo.undoable_numbers(visit.session, ticket))
    numbers = undo.shown_numbers(visit.session, ticket.id, shown)
    return {place: number for place, number in enumerate(numbers) if number in possible}


def undo_event(visit: Visit, fields: Fields, _held: Ticket) -> Response:
    ticket = undo.undo(
        visit.session, visit.number("ticket_id"), _number(fields.get("event", "")), visit.actor, visit.now
    )
    return _back(ticket, "undone")


def snooze(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    until = until_when(fields.get("until", ""), fields.get("date", ""), visit.now, _zone(visit))
    tickets.save(visit.session, properties.snooze(ticket, until, visit.actor, visit.now))
    return _back(ticket, "snoozed")


def end_snooze(visit: Visit, _fields: Fields, ticket: Ticket) -> Response:
    tickets.save(visit.session, properties.wake(ticket, visit.actor, visit.now))
    return _back(ticket, "woken")


def untag(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    tickets.save(visit.session, properties.untag(ticket, (fields.get("tag", ""),), visit.actor, visit.now))
    return _back(ticket, "updated")


def set_fields(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    """Saves custom fields that differ; browsers do not send unchecked checkboxes."""
    change = Change(ticket)
    for field in custom_fields.list_all(visit.session):
        key = f"field-{field.name}"
        if f"has-{field.name}" in fields:
            wanted = field_rules.value(field, fields.get(key, ""))
            change = change.then(properties.set_field(change.ticket, field.name, wanted, visit.actor, visit.now))
    tickets.save(visit.session, change)
    return _back(ticket, "updated")


def change_cc(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    """Adds an address to CC, or removes it."""
    if fields.get("remove"):
        cc.remove(visit.session, ticket, fields["remove"], visit.actor, visit.now)
    else:
        cc.add(visit.session, ticket, fields.get("address", ""), visit.actor, visit.now)
    return _back(ticket, "updated")


def change_requester(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    """Changes the requester."""
    requester.change(visit.session, ticket, fields.get("address", ""), visit.actor, visit.now)
    return _back(ticket, "updated")


def link(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    """Links the ticket with another one, or removes a link."""
    other, kind = _number(fields.get("other", "")), fields.get("kind", "")
    change = ticket_links.unlink if fields.get("remove") else ticket_links.link
    change(visit.session, ticket.id, other, kind, visit.actor, visit.now)
    return _back(ticket, "updated")


def parent(visit: Visit, fields: Fields, ticket: Ticket) -> Response:
    text = fields.get("parent", "").strip()
    ticket_links.set_parent(visit.session, ticket.id, _number(text) if text else None, visit.actor, visit.now)
    return _back(ticket, "updated")


def resolve_children(visit: Visit, _fields: Fields, ticket: Ticket) -> Response:
    ticket_links.resolve_children(visit.session, ticket, visit.actor, visit.now)
    return _back(ticket, "updated")


def until_when(choice: str, date: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A quick choice, or a date (nine o'clock) or time in the agent's time zone."""
    here = now.astimezone(zone)
    morning = here.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if choice == "3h":
        return now + timedelta(hours=3)
    if choice == "tomorrow":
        return morning + timedelta(days=1)
    if choice == "monday":
        return morning + timedelta(days=7 - here.weekday())
    try:
        given = check_day(datetime.fromisoformat(date.strip()))
    except ValueError:
        raise NotAllowed("that is no date such as 2026-11-30") from None
    local = given if given.tzinfo else given.replace(tzinfo=zone)
    return local if "T" in date or " " in date.strip() else local.replace(hour=MORNING)


def _zone(visit: Visit) -> ZoneInfo:
    """The agent's time zone if known, otherwise that of the desk."""
    own = time_zones.zone_of_person(visit.session, visit.agent.id)
    try:
        return ZoneInfo(own or visit.desk.settings.time_zone)
    except (KeyError, OSError, ValueError):
        return ZoneInfo(visit.desk.settings.time_zone)


def _number(text: str) -> int:
    plain = text.strip().removeprefix("#")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 19):
        raise NotAllowed("that is no number")
    return int(plain)


def _back(ticket: Ticket, done: str) -> Response:
    return RedirectResponse(f"/tickets/{ticket.id}?done={done}", 303)


OnTicket = Callable[[Visit, Fields, Ticket], Response]
_VERBS: Mapping[str, OnTicket] = {
    "undo": undo_event,
    "snooze": snooze,
    "wake": end_snooze,
    "untag": untag,
    "fields": set_fields,
    "copy": change_cc,
    "requester": change_requester,
    "link": link,
    "parent": parent,
    "children": resolve_children,
}


def actions_by_name(current: Callable[[Visit, Fields], Ticket]) -> dict[str, Action]:
    """The actions by the last part of their path; `current` returns the locked ticket."""

    def on_current(verb: OnTicket) -> Action:
        return lambda visit, fields: verb(visit, fields, current(visit, fields))

    return {name: on_current(verb) for name, verb in _VERBS.items()}
