"""Notices of new messages to the watchers of a ticket and to agents who are mentioned in a note.

The author and agents who get another notice of the event get none. Requesters are never watchers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from desk.tickets.event_data import Mention
from desk.tickets.events import EventKind
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent

KINDS = (EventKind.REQUESTER_REPLIED, EventKind.REPLIED, EventKind.NOTED, EventKind.SIDE_ANSWERED)


def notices_for(
    sender: Sender, session: Session, happened: TicketEvent, watchers: Sequence[Person], notified: set[int]
) -> list[OutboundMessage]:
    """`notified` are the agents who get another notice of the event."""
    event = happened.event
    numbers = event.data_as(Mention).mentioned
    mentioned = people.by_ids(session, numbers) if numbers else {}
    mention = replace(happened, event=replace(event, kind=EventKind.MENTIONED))
    notices = [
        sender.notice(mention, agent)
        for _, agent in sorted(mentioned.items())
        if agent.active and agent.notify and agent.id != event.actor.id
    ]
    excluded = notified | set(mentioned) | {event.actor.id, happened.ticket.requester_id}
    return notices + [sender.notice(happened, agent) for agent in watchers if agent.notify and agent.id not in excluded]
