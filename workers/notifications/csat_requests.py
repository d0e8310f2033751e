"""CSAT: plans the request after a ticket was resolved, and notifies the team's leads of a low rating.

Where the team has no lead, all leads and admins are notified; for a private team, its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.access.permissions import Role
from desk.knowledge.csat import LOW
from desk.tickets.event_data import RatingGiven
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Status, Ticket
from storage.db.session import Session
from storage.knowledge import csat, csat_settings
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent


def plan_ratings(session: Session, events: Sequence[Event], now: datetime) -> None:
    """Plans the CSAT request of each ticket that was resolved."""
    solved = [e.ticket_id for e in events if e.kind == EventKind.STATUS_CHANGED and e.after == Status.RESOLVED]
    if solved:
        csat.plan(session, solved, csat_settings.rules(session), now)


def low_rating_notices(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
    """The notices of a `rated` event."""
    event = happened.event
    score = event.data_as(RatingGiven).score
    if event.kind != EventKind.RATED or score is None or score > LOW:
        return []
    return [sender.notice(happened, lead) for lead in _recipients(session, happened.ticket) if lead.notify]


def _recipients(session: Session, ticket: Ticket) -> list[Person]:
    if not csat.is_private(session, ticket.id):
        return people.leads_of(session, ticket.team_id)
    team = people.members(session, [ticket.team_id])[ticket.team_id] if ticket.team_id else []
    return [member for member in team if member.role == Role.LEAD] or team
