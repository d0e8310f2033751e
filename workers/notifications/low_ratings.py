"""Notices of a low rating to the leads of the ticket's team.

Where the team has no lead, all leads and admins are notified; for a private team, its members.
"""

from __future__ import annotations

from desk.access.permissions import Role
from desk.knowledge.csat import LOW
from desk.tickets.event_data import RatingGiven
from desk.tickets.events import EventKind
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent


def notices_for(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
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
