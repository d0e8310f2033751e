"""Tells the leads of an incident, once: one letter to each lead of the teams whose tickets it holds.

Where these teams have no lead, the admins are told. Whoever wants no notices gets none. The letter's answer goes to the
mailbox as any mail does, not to a requester: what all of them shall read is written in the console.
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


def of(sender: Sender, session: Session, ticket: Ticket, event: Event) -> list[OutboundMessage]:
    """The letters of an `incident_opened` event."""
    found = incidents.get(session, int(event.after))
    if found is None:
        return []
    count = incidents.ticket_counts(session, [found.id])[found.id][MEMBER]
    text = texts.incident(found.id, _where(found), found.why, count, sender.context.store.settings.public_url)
    return [sender.incident(ticket, agent, found.id, text) for agent in told(session, found.id)]


def told(session: Session, incident_id: int) -> list[Person]:
    """Who hears of it."""
    teams = people.members(session, incidents.teams_of(session, incident_id))
    leads = {one.id: one for members in teams.values() for one in members if one.role == Role.LEAD}
    if not leads:
        leads = {one.id: one for one in people.all_agents(session) if one.role == Role.ADMIN and one.active}
    return [one for _, one in sorted(leads.items()) if one.notify]


def _where(found: Incident) -> str:
    return f"{found.category} at {found.organisation}" if found.organisation else found.category
