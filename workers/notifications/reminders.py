"""The reminder to a requester who owes an answer, once, before the ticket is resolved without one.

Never to an unattended address or one of our mailboxes, and never by mail to a requester in Slack.
"""

from __future__ import annotations

from desk.channels import traits_of
from desk.mail.author import is_unattended
from desk.tickets.events import EventKind
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people.people import Person
from storage.tickets import tickets
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent


def messages_for(sender: Sender, session: Session, requester: Person, happened: TicketEvent) -> list[OutboundMessage]:
    """At most one mail, in the thread that the requester knows."""
    ticket, event = happened.ticket, happened.event
    if event.kind != EventKind.REMINDED or not traits_of(ticket.channel).answered_by_mail or ticket.reminded_at is None:
        return []
    places = sender.context.configuration(session)
    if is_unattended(requester.address) or places.of_addresses((requester.address,)) is not None:
        return []
    asked = tickets.last_requester_message(session, ticket.id, 2**62)
    if asked is not None and not asked.trust.is_clear:
        return []
    return [sender.reminder(ticket, requester, happened.event_id, asked, places.lifecycle.after_reminder.days)]
