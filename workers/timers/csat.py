"""The csat job: asks requesters to rate their resolved ticket after some time, and reminds them once.

Rows are locked and a message's key is unique, so nobody is asked twice. Requesters who cannot answer, or who were asked
lately, are not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from desk.channels import traits_of
from desk.knowledge import csat_texts
from desk.knowledge.csat import CsatSettings
from desk.mail.author import is_unattended
from desk.mail.states import OutboundKind
from desk.tickets.event_data import Opening
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Change, Event, Status, Ticket
from storage.db.session import Session
from storage.knowledge import csat, csat_settings
from storage.knowledge.csat import Rating
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from storage.tickets import tickets
from workers.notifications.outgoing import Sender
from workers.notifications.portal_link import Addressee
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

BATCH = 100
_DONE = (Status.RESOLVED, Status.CLOSED)


def plan_requests(session: Session, events: Sequence[Event], now: datetime) -> None:
    """Plans the CSAT request of each ticket that was resolved."""
    solved = [e.ticket_id for e in events if e.kind == EventKind.STATUS_CHANGED and e.after == Status.RESOLVED]
    if solved:
        csat.plan(session, solved, csat_settings.rules(session), now)


def drain(context: Context) -> int:
    """Works all that is due; returns how many rows."""
    return isolation.drain(context, lambda: _work(context))


def _work(context: Context) -> Work[Rating]:
    def claim(session: Session) -> list[Rating]:
        return csat.due_ratings(session, context.now(), BATCH)

    def do(session: Session, rows: Sequence[Rating]) -> int:
        _ask(context, session, rows)
        return len(rows)

    return Work(csat.JOB, claim, do, lambda rating: rating.id, binds="rating_id")


def _ask(context: Context, session: Session, ratings: Sequence[Rating]) -> None:
    rules, sender = csat_settings.rules(session), Sender(context, session)
    locked = tickets.get_many(session, {one.ticket_id for one in ratings}, lock=True)
    requesters = people.by_ids(session, {one.requester_id for one in locked.values()})
    messages, changes = [], []
    for rating in ratings:
        ticket = locked[rating.ticket_id]
        why_not = _why_not(sender, rules, rating, ticket, requesters[ticket.requester_id])
        if why_not:
            csat.drop(session, rating)
            log.info("rating_not_asked", ticket_id=ticket.id, reason=why_not)
            continue
        messages.append(_message(sender, rating, ticket, requesters[ticket.requester_id]))
        changes.append(_mark(session, rules, rating, ticket, context))
    tickets.save_locked(session, changes, react=context.react)
    outbound.store(session, messages, context.now())


def _mark(session: Session, rules: CsatSettings, rating: Rating, ticket: Ticket, context: Context) -> Change:
    now = context.now()
    again_at = now + timedelta(days=rules.rating_remind_days) if rules.rating_remind_days else None
    csat.mark_asked(session, rating, now, again_at)
    kind = EventKind.RATING_ASKED if rating.state == csat.PLANNED else EventKind.RATING_REMINDED
    return Change(ticket, (Event(ticket.id, now, kind, DESK),))


def _why_not(sender: Sender, rules: CsatSettings, rating: Rating, ticket: Ticket, requester: Person) -> str:
    """Why the requester is not asked; empty if they are."""
    if not rules.ask_rating or not sender.context.store.settings.public_url:
        return "switched off" if not rules.ask_rating else "FRONTDESK_PUBLIC_URL is not set"
    if ticket.status not in _DONE or ticket.merged_into is not None:
        return "not solved any more"
    if rating.rated_at is not None:
        return "answered"
    return _cannot_answer(sender, ticket, requester) or _asked_lately(sender, rules, rating, requester)


def _cannot_answer(sender: Sender, ticket: Ticket, requester: Person) -> str:
    session, places = sender.session, sender.context.configuration(sender.session)
    if not traits_of(ticket.channel).asks_csat or "@" not in requester.address:
        return "no mail address"
    if is_unattended(requester.address) or places.of_addresses((requester.address,)) is not None:
        return "nobody reads that address"
    if requester.id == ticket.assignee_id:
        return "the requester solved it"
    if any(event.data_as(Opening).automatic for event in tickets.history(session, ticket.id)):
        return "a machine opened it"
    said = tickets.last_requester_message(session, ticket.id, 2**62)
    return "the address was not written plainly" if said and not said.trust.is_clear else ""


def _asked_lately(sender: Sender, rules: CsatSettings, rating: Rating, requester: Person) -> str:
    if rating.state != csat.PLANNED:
        return ""
    since = sender.context.now() - timedelta(days=rules.rating_every_days)
    lately = csat.was_asked_since(sender.session, requester.id, since, rating.id)
    return "asked lately about another ticket" if lately else ""


def _message(sender: Sender, rating: Rating, ticket: Ticket, requester: Person) -> OutboundMessage:
    said = csat_texts.words(csat.language_of(sender.session, ticket.id))
    again = rating.state != csat.PLANNED
    place = sender.context.store.settings.public_url.rstrip("/")
    link = f"{place}/rate/{csat.make_token(rating.id, sender.context.secret)}"
    key = f"rating:{rating.id}" + (":again" if again else "")
    text = csat_texts.mail(ticket.id, link, said, again=again)
    asked = tickets.last_requester_message(sender.session, ticket.id, 2**62)
    to = Addressee(OutboundKind.RATING, ticket, requester)
    return sender.csat_request(to, key, said["subject"].format(number=ticket.id), text, asked)
