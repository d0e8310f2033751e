"""How long tickets wait before the desk moves them on: reminded, resolved, closed; and until when they reopen.

It takes days as people set them, and returns checked rules, and what is due for one ticket. It knows nothing of rows
and mails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from desk.mail.inbound_request import AutoKind
from desk.tickets import properties, transitions
from desk.tickets.event_data import EventData
from desk.tickets.ticket import DESK, Change, Status, Ticket

LONGEST = 3650
RESOLVED_BY, CLOSED_BY, REMINDED_BY, WOKEN_BY = "auto-resolve", "auto-close", "reminder", "snooze"
ASIDE_BY = "automatic mail"
"""The names of these rules, as the history tells them."""


_TAGS: Mapping[AutoKind, str] = {AutoKind.REPLY: "automatic-reply", AutoKind.LIST: "newsletter"}
ASIDE = EventData(set_aside=True)
"""The data of the events of a ticket that was closed as it came: nobody is told, and no figure counts it."""


class BadLifecycle(ValueError):
    """A number of days that cannot be meant; the text says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """In days; 0 is never, except for `reopen_days`, where it means that a closed ticket stays closed.

    A pending ticket on which nothing happens for `remind_days` is asked about once more, and resolved when nothing
    has happened for `resolve_days` in all. What is resolved and left alone for `close_days` is closed. A requester's
    reply to a ticket that was closed within `reopen_days` reopens it; later it opens a linked follow-up.
    """

    reopen_days: int = 30
    remind_days: int = 0
    resolve_days: int = 0
    close_days: int = 7

    @property
    def reopen_window(self) -> timedelta:
        return timedelta(days=self.reopen_days)

    @property
    def after_reminder(self) -> timedelta:
        """From the reminder, or where there is none from the last event, until the ticket is resolved."""
        return timedelta(days=self.resolve_days - self.remind_days)


def read(given: Mapping[str, Any]) -> Lifecycle:
    """The rules of a mapping; what it does not name is as it is shipped. BadLifecycle where something is wrong."""
    known = {f.name for f in fields(Lifecycle)}
    for name, value in given.items():
        if name not in known:
            raise BadLifecycle(f"{name!r} is no setting of the lifecycle; there are {', '.join(sorted(known))}")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST:
            raise BadLifecycle(f"{name} should be a whole number of days, from 0 to {LONGEST}")
    rules = Lifecycle(**given)
    if rules.remind_days and not rules.resolve_days:
        raise BadLifecycle("remind_days warns that the ticket will be resolved, so resolve_days should be set too")
    if rules.resolve_days and rules.remind_days >= rules.resolve_days:
        raise BadLifecycle("remind_days should be fewer than resolve_days")
    return rules


def set_aside(ticket: Ticket, kind: AutoKind, reason: str, now: datetime, *, close: bool) -> Change:
    """A new ticket that an absence notice or a newsletter opened: marked with a tag, and closed if that is set."""
    if kind not in _TAGS:
        return Change(ticket)
    absent = kind is AutoKind.REPLY and reason.startswith("out of office")
    change = transitions.tag(ticket, ("out-of-office" if absent else _TAGS[kind],), DESK, now)
    if not close:
        return change
    closed = transitions.close(change.ticket, DESK, now, f"{ASIDE_BY}: {reason}")
    return change.then(Change(closed.ticket, tuple(replace(one, data=ASIDE) for one in closed.events)))


def silent(ticket: Ticket, rules: Lifecycle, now: datetime) -> Change:
    """What silence makes of a pending ticket by now: a reminder, its resolution, or nothing yet."""
    if ticket.status is not Status.PENDING or not rules.resolve_days or ticket.snoozed_until is not None:
        return Change(ticket)
    reminded = ticket.reminded_at if rules.remind_days else None
    if rules.remind_days and reminded is None:
        if now - ticket.updated_at < timedelta(days=rules.remind_days):
            return Change(ticket)
        return properties.remind(ticket, now, f"{REMINDED_BY}: no answer for {_days(rules.remind_days)}")
    if now - (reminded or ticket.updated_at) < rules.after_reminder:
        return Change(ticket)
    return transitions.resolve(ticket, DESK, now, f"{RESOLVED_BY}: no answer for {_days(rules.resolve_days)}")


def settled(ticket: Ticket, rules: Lifecycle, now: datetime) -> Change:
    """A resolved ticket that was left alone long enough is closed."""
    alone = now - ticket.updated_at
    if ticket.status is not Status.RESOLVED or not rules.close_days or alone < timedelta(days=rules.close_days):
        return Change(ticket)
    return transitions.close(ticket, DESK, now, f"{CLOSED_BY}: resolved for {_days(rules.close_days)}")


def rested(ticket: Ticket, now: datetime) -> Change:
    """A ticket whose sleep is over wakes."""
    if ticket.snoozed_until is None or ticket.snoozed_until > now:
        return Change(ticket)
    return properties.wake(ticket, DESK, now, f"{WOKEN_BY}: the time has come")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
