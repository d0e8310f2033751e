"""Notices that a rule or an escalation asks for: to the lead, the team, the assignee, the watchers, or agents by name.

Each agent gets one notice for an event, unless they have switched notices off.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from desk.tickets.ticket import NotAllowed, Ticket
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from storage.tables.people import watchers
from usecases.rules import run_actions
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent


def notices_for(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
    """The notices of one event."""
    ticket, event = happened.ticket, happened.event
    words = [word.strip() for word in event.after.split(",")]
    recipients = {
        agent.id: agent
        for word in words
        for agent in _agents_named(session, ticket, word)
        if agent.active and agent.notify
    }
    return [sender.notice(happened, agent) for _, agent in sorted(recipients.items())]


def _agents_named(session: Session, ticket: Ticket, word: str) -> Iterator[Person]:
    if word == "team":
        yield from people.members(session, [ticket.team_id])[ticket.team_id] if ticket.team_id else []
    elif word == "lead":
        yield from people.leads_of(session, ticket.team_id)
    elif word == "assignee":
        yield from people.by_ids(session, [ticket.assignee_id] if ticket.assignee_id else []).values()
    elif word == "watchers":
        query = sa.select(watchers.c.agent_id).where(watchers.c.ticket_id == ticket.id)
        yield from people.by_ids(session, session.execute(query).scalars()).values()
    else:
        try:
            yield run_actions.agent_named(session, word)
        except NotAllowed:
            return
