"""Bulk changes: the same actions on many tickets, each in a transaction of its own; refused ones are reported.

A ticket gets all of the actions or none. A ticket that changed since it was shown is refused; one that fails in a way
that nobody thought of says so, and the others are changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from desk.rules.actions import Action, BadAction, read
from desk.tickets.events import EventKind
from desk.tickets.ticket import Change, Event, NotAllowed, Ticket
from storage.db.session import Session, is_outage
from storage.runtime.failures import reason_of
from storage.tickets import tickets
from storage.tickets.tickets import Stale
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext
from usecases.tickets import custom_fields, merging, requester
from usecases.tickets.merging import MergeRequest

MOST = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What shall be done to each; `requester` is the address of whose they are from now on; `into` merges them all into
    that ticket instead."""

    actions: tuple[Action, ...] = ()
    into: int | None = None
    requester: str = ""


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What happened to one ticket, or would; `refused` says why nothing did. Neither: it was so already."""

    ticket: int
    subject: str = ""
    events: tuple[Event, ...] = ()
    refused: str = ""


Seen = Mapping[int, int | None]
"""Ticket → the version that was seen; None: whichever it has."""


def preview(session: Session, versions: Seen, wish: BulkRequest, doing: ActionContext) -> list[BulkOutcome]:
    """What would happen; nothing is stored."""
    by_id = tickets.get_many(session, _checked(versions))
    return [_planned(session, by_id.get(number), number, version, wish, doing) for number, version in versions.items()]


def run_bulk(
    transaction: Callable[[], AbstractContextManager[Session]], versions: Seen, wish: BulkRequest, doing: ActionContext
) -> list[BulkOutcome]:
    """Changes ticket by ticket."""
    return [_run_on_ticket(transaction, number, version, wish, doing) for number, version in _checked(versions).items()]


def _checked(versions: Seen) -> Seen:
    if len(versions) > MOST:
        raise NotAllowed(f"at most {MOST} tickets are changed at once")
    return versions


def _planned(
    session: Session, ticket: Ticket | None, number: int, version: int | None, wish: BulkRequest, doing: ActionContext
) -> BulkOutcome:
    subject = ticket.subject if ticket else ""
    try:
        with session.savepoint():
            events = _planned_events(session, _current(ticket, number, version), wish, doing)
        return BulkOutcome(number, subject, events)
    except NotAllowed as error:
        return BulkOutcome(number, subject, refused=str(error))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("bulk_preview_failed", ticket_id=number)
        return BulkOutcome(number, subject, refused=_unforeseen(error))


def _planned_events(session: Session, ticket: Ticket, wish: BulkRequest, doing: ActionContext) -> tuple[Event, ...]:
    if wish.into is not None:
        return (_merge_event(session, ticket, wish.into, doing),)
    events = _change(session, ticket, wish, doing).events
    if wish.requester:
        events += requester.preview(session, ticket, wish.requester, doing.actor, doing.now)
    return events


def _unforeseen(error: Exception) -> str:
    return f"it failed ({reason_of(error)}); the log has more"


def _run_on_ticket(
    transaction: Callable[[], AbstractContextManager[Session]],
    number: int,
    version: int | None,
    wish: BulkRequest,
    doing: ActionContext,
) -> BulkOutcome:
    subject = ""
    try:
        with transaction() as session:
            ticket_now = _current(tickets.get(session, number, lock=True), number, version)
            subject = ticket_now.subject
            events = _change_ticket(session, ticket_now, wish, doing)
        return BulkOutcome(number, subject, events)
    except Stale:
        return BulkOutcome(number, subject, refused="somebody else changed it at the same moment")
    except NotAllowed as error:
        return BulkOutcome(number, subject, refused=str(error))
    except sa.exc.OperationalError:
        return BulkOutcome(number, subject, refused="the database was busy; try again")
    except Exception as error:
        log.exception("bulk_change_failed", ticket_id=number)
        return BulkOutcome(number, subject, refused=_unforeseen(error))


def _change_ticket(session: Session, ticket: Ticket, wish: BulkRequest, doing: ActionContext) -> tuple[Event, ...]:
    if wish.into is not None:
        event = _merge_event(session, ticket, wish.into, doing)
        merging.merge(session, MergeRequest(ticket.id, wish.into, doing.actor, doing.now, why=doing.why))
        return (event,)
    change = _change(session, ticket, wish, doing)
    saved, events = tickets.save(session, change), change.events
    if wish.requester:
        events += requester.preview(session, saved, wish.requester, doing.actor, doing.now)
        requester.change(session, saved, wish.requester, doing.actor, doing.now)
    return events


def _change(session: Session, ticket: Ticket, wish: BulkRequest, doing: ActionContext) -> Change:
    """All of the actions as one change, or NotAllowed for the first that does not fit."""
    change = Change(ticket)
    for action in wish.actions:
        more = run_actions.change_of(session, change.ticket, action, doing)
        if more is None:
            raise NotAllowed(f"{action.do!r} is nothing that is done to many tickets at once")
        change = change.then(more)
    return custom_fields.refuse_unfilled_end(session, ticket, change)


def _current(ticket: Ticket | None, number: int, version: int | None) -> Ticket:
    if ticket is None:
        raise NotAllowed("there is no such ticket")
    if version is not None and ticket.version != version:
        raise NotAllowed("somebody changed it meanwhile")
    return ticket


def _merge_event(session: Session, ticket: Ticket, into_id: int, doing: ActionContext) -> Event:
    into = tickets.get(session, into_id)
    if into is None or into.merged_into is not None or ticket.merged_into is not None or into_id == ticket.id:
        raise NotAllowed(f"it cannot be merged into #{into_id}")
    return Event(ticket.id, doing.now, EventKind.MERGED_INTO, doing.actor, after=str(into_id))


def actions_of(entries: Sequence[Mapping[str, object]]) -> tuple[Action, ...]:
    """Checked actions; NotAllowed where one is not understood."""
    try:
        return read(list(entries))
    except BadAction as error:
        raise NotAllowed(str(error)) from error
