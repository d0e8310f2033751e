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
from storage.mail.outbound import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications import texts
from workers.notifications.outgoing import Sender


def messages_for(sender: Sender, session: Session, ticket: Ticket, event: Event) -> list[OutboundMessage]:
    """The letters of an `incident_opened` event."""
    found = incidents.get(session, int(event.after))
    if found is None:
        return []
    count = incidents.ticket_counts(session, [found.id])[found.id][MEMBER]
    text = texts.incident(found.id, _where(found), found.why, count, sender.context.store.settings.public_url)
    return [sender.incident(ticket, agent, found.id, text) for agent in recipients(session, found.id)]


def recipients(session: Session, incident_id: int) -> list[Person]:
    """Who hears of it."""
    teams = people.members(session, incidents.teams_of(session, incident_id))
    leads = {one.id: one for members in teams.values() for one in members if one.role == Role.LEAD}
    if not leads:
        leads = {one.id: one for one in people.all_agents(session) if one.role == Role.ADMIN and one.active}
    return [one for _, one in sorted(leads.items()) if one.notify]


def _where(found: Incident) -> str:
    return f"{found.category} at {found.organisation}" if found.organisation else found.category
