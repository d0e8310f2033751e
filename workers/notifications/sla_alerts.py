"""SLA warnings and breaches: notifies the assignee, or the team while there is none; of a breach also the team's leads.

Where nobody of the team would be notified of a breach, all leads and admins are. A breach from before there was a
policy (`quiet`) is in the history only.
"""

from __future__ import annotations

from desk.access.permissions import Role
from desk.tickets.event_data import SlaTarget
from desk.tickets.events import EventKind
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent

KINDS = (EventKind.SLA_WARNED, EventKind.SLA_BREACHED)


def notices_for(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
    """The notices of an `sla_warned` or `sla_breached` event."""
    ticket, event = happened.ticket, happened.event
    if event.data_as(SlaTarget).quiet:
        return []
    audience = recipients(session, ticket, breached=event.kind == EventKind.SLA_BREACHED)
    return [sender.notice(happened, agent) for agent in audience]


def recipients(session: Session, ticket: Ticket, *, breached: bool) -> list[Person]:
    """The agents who are notified."""
    team = people.members(session, [ticket.team_id])[ticket.team_id] if ticket.team_id else []
    owner = people.by_ids(session, [ticket.assignee_id]).get(ticket.assignee_id) if ticket.assignee_id else None
    audience = [owner] if owner and owner.is_agent else team
    if breached:
        audience = [*audience, *(agent for agent in team if agent.role == Role.LEAD)]
    notified = {agent.id: agent for agent in audience if agent.notify and agent.id != ticket.requester_id}
    if breached and not notified:
        notified = {agent.id: agent for agent in people.leads_of(session, None) if agent.notify}
    return [agent for _, agent in sorted(notified.items())]
