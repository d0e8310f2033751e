"""Notices of new messages to the watchers of a ticket and to agents who are mentioned in a note.

The author and agents who get another notice of the event get none. Requesters are never watchers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from desk.tickets.event_data import Mention
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Message, Ticket
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender

KINDS = (EventKind.REQUESTER_REPLIED, EventKind.REPLIED, EventKind.NOTED, EventKind.SIDE_ANSWERED)


def notices_for(
    sender: Sender,
    session: Session,
    ticket: Ticket,
    event_id: int,
    event: Event,
    message: Message | None,
    watchers: Sequence[Person],
    notified: set[int],
) -> list[OutboundMessage]:
    """`notified` are the agents who get another notice of the event."""
    numbers = event.data_as(Mention).mentioned
    mentioned = people.by_ids(session, numbers) if numbers else {}
    notices = [
        sender.notice(ticket, agent, event_id, replace(event, kind=EventKind.MENTIONED), message)
        for _, agent in sorted(mentioned.items())
        if agent.active and agent.notify and agent.id != event.actor.id
    ]
    excluded = notified | set(mentioned) | {event.actor.id, ticket.requester_id}
    return notices + [
        sender.notice(ticket, agent, event_id, event, message)
        for agent in watchers
        if agent.notify and agent.id not in excluded
    ]
