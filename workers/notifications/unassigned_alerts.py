"""Notifies the team's leads of a ticket that no agent can take: at once, and again when the escalation time is over.

One mail an hour to each lead, however many tickets wait. Outside business hours the second notice waits for them. Where
the team has no lead, all leads are notified.
"""

from __future__ import annotations

from dataclasses import replace

from desk.tickets.events import EventKind
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent

KINDS = (EventKind.UNROUTABLE, EventKind.UNROUTABLE_ESCALATED)


def notices_for(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
    """The notices of one event; within an hour all notices to a lead have one dedupe key, so only one is sent."""
    ticket, event = happened.ticket, happened.event
    if event.data.closed or ticket.unroutable_at is None:
        return []
    hour = f"{event.kind}:{ticket.team_id}:{event.at:%Y%m%d%H}"
    notices = [(lead, sender.notice(happened, lead)) for lead in _recipients(session, ticket)]
    return [replace(notice, dedupe_key=f"{hour}:{lead.id}") for lead, notice in notices]


def _recipients(session: Session, ticket: Ticket) -> list[Person]:
    return [lead for lead in people.leads_of(session, ticket.team_id) if lead.notify]
