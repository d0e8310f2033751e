"""Notifies the leads of the teams whose tickets belong to an incident, once for each incident.

Where these teams have no lead, the admins are notified. An answer to the alert reaches the mailbox as any mail does,
and no requester.
"""

from __future__ import annotations

from desk.access.permissions import Role
from desk.tickets.ticket import Event, Ticket
from storage.db.session import Session
from storage.incidents import incidents
from storage.incidents.incidents import MEMBER, Incident
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications import texts
from workers.notifications.outgoing import Sender


def messages_for(sender: Sender, session: Session, ticket: Ticket, event: Event) -> list[OutboundMessage]:
    """The messages of an `incident_opened` event."""
    incident = incidents.get(session, int(event.after))
    if incident is None:
        return []
    count = incidents.ticket_counts(session, [incident.id])[incident.id][MEMBER]
    text = texts.incident(incident.id, _where(incident), incident.why, count, sender.context.store.settings.public_url)
    return [sender.incident(ticket, agent, incident.id, text) for agent in recipients(session, incident.id)]


def recipients(session: Session, incident_id: int) -> list[Person]:
    """The leads, or the admins, who are notified."""
    teams = people.members(session, incidents.teams_of(session, incident_id))
    leads = {person.id: person for members in teams.values() for person in members if person.role == Role.LEAD}
    if not leads:
        leads = {
            person.id: person for person in people.all_agents(session) if person.role == Role.ADMIN and person.active
        }
    return [person for _, person in sorted(leads.items()) if person.notify]


def _where(incident: Incident) -> str:
    return f"{incident.category} at {incident.organisation}" if incident.organisation else incident.category
