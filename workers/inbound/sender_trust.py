"""What the sender of a mail may do: whether they are verified, may confirm the resolution, and bring newcomers.

Newcomers are suggested to the agents; the desk itself puts nobody in copy.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from desk.mail.authentication import Verdict
from desk.tickets import properties
from desk.tickets.event_data import CopySuggestion
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, Ticket
from storage.db.session import Session
from storage.people.people import Person
from usecases.tickets import resolution
from workers.inbound.match import Decision


def verification(decision: Decision) -> bool | None:
    """What an event says of its sender: False if our mail server could not verify them."""
    return False if decision.trust is Verdict.FAIL else None


def with_sender_data(change: Change, decision: Decision) -> Change:
    """The change of a further message, with data about its sender's verification and newcomers."""
    if not change.events:
        return change
    verified = verification(decision)
    if verified is None and not decision.newcomers:
        return change
    first = change.events[0].with_data(verified=verified, newcomers=tuple(decision.newcomers))
    asked = [_suggestion(first, decision)] if decision.newcomers else []
    return replace(change, events=(first, *change.events[1:], *asked))


def may_confirm(decision: Decision, ticket: Ticket, sender: Person) -> bool:
    """Whether the sender may confirm the resolution: the requester, unless our mail server could not verify them."""
    return sender.id == ticket.requester_id and decision.trust is not Verdict.FAIL


def confirm_resolution(session: Session, ticket: Ticket, actor: Actor, at: datetime, message_id: int) -> Change:
    """The requester confirms; the last reply becomes the resolution, and required fields are not asked for."""
    change = properties.confirm(ticket, actor, at, message_id)
    if change.ticket.status is ticket.status:
        return change
    words = resolution.resolution_from_replies(session, ticket)
    return change.then(properties.set_resolution(change.ticket, words, actor, at, "the last reply"))


def _suggestion(event: Event, decision: Decision) -> Event:
    names = ", ".join(decision.newcomers)
    why = "new in this conversation: they get no copies before an agent puts them in copy"
    data = CopySuggestion(addresses=tuple(decision.newcomers))
    return replace(event, kind=EventKind.COPY_SUGGESTED, before="", after=names, why=why, data=data)
