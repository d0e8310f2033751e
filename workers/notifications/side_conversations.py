"""The mail to a third party that follows from an agent's message in a side conversation.

It stands in the third party's own thread; its address and Message-ID lead the answer back into the side conversation.
"""

from __future__ import annotations

from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Message, Ticket
from storage.db.session import Session
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from usecases.tickets import side_conversations
from workers.notifications.outgoing import Sender

KINDS = (EventKind.SIDE_SENT,)


def messages_for(
    sender: Sender, session: Session, ticket: Ticket, event: Event, message: Message | None
) -> list[OutboundMessage]:
    side = side_conversations.by_ids(session, [event.data.side]).get(event.data.side)
    person = people.by_address(session, side.address) if side else None
    if side is None or person is None or message is None:
        return []
    return [
        sender.side_message(
            ticket, person, side, message, side_conversations.message_ids_of_mails(session, side.id, message.id)
        )
    ]
