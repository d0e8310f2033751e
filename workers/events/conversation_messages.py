"""Messages to a ticket's conversation on its channel: number, category and assignee at first, then replies and changes.

Only for channels with conversations of their own (Slack); the texts and the markup are the channel's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from desk.channels import OutboundContent, traits_of
from desk.mail.states import OutboundKind
from desk.mail.stored_file import StoredFile
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Message, Ticket
from storage.mail.outbound_message import OutboundMessage
from storage.people.people import Person
from workers.outbound.transport import ConversationTexts
from workers.outbound.transports import CONVERSATION_TEXTS


def messages_for(
    ticket: Ticket, event_id: int, event: Event, message: Message | None, persons: Mapping[int, Person], team: str
) -> list[OutboundMessage]:
    """One message with the reply or change, and one for each file; none where the ticket has no conversation."""
    texts = CONVERSATION_TEXTS.get(ticket.channel)
    if texts is None or not ticket.conversation:
        return []
    text = _text(texts, ticket, event, message, persons, team)
    messages = [_message(ticket, event_id, event, text)] if text else []
    files = message.attachments if event.kind == EventKind.REPLIED and message is not None else ()
    return messages + [_file(ticket, event_id, event, place, file) for place, file in enumerate(files)]


def _text(
    texts: ConversationTexts,
    ticket: Ticket,
    event: Event,
    message: Message | None,
    persons: Mapping[int, Person],
    team: str,
) -> str:
    if event.kind == EventKind.OPENED:
        owner = persons.get(ticket.assignee_id or 0)
        return texts.opened_text(ticket, owner.name if owner else "", ticket.category or "", team)
    if event.kind == EventKind.REPLIED and message is not None:
        return texts.reply_text(message.author.name, message.reply)
    if event.kind == EventKind.ASSIGNED and event.after:
        return texts.changed_text(f"{event.after} takes care of it")
    if event.kind == EventKind.REMINDED:
        return texts.changed_text("we wait for your answer; without one we take this as solved")
    if event.kind == EventKind.REOPENED:
        return texts.changed_text("it is open again")
    # That it is open or waits for the requester follows from what was just said in the thread.
    if event.kind == EventKind.STATUS_CHANGED and event.after in ("resolved", "closed", "on_hold"):
        return texts.changed_text(f"status is now {event.after.replace('_', ' ')}")
    return ""


def _message(ticket: Ticket, event_id: int, event: Event, text: str) -> OutboundMessage:
    kind = OutboundKind.REPLY if event.kind == EventKind.REPLIED else OutboundKind.NOTICE
    content = CONVERSATION_TEXTS[ticket.channel].content(ticket.conversation, text)
    return _row(ticket, f"{ticket.channel}:{event_id}", kind, event, content)


def _file(ticket: Ticket, event_id: int, event: Event, place: int, file: StoredFile) -> OutboundMessage:
    """An agent's file has a row of its own, so that one that fails keeps no words back."""
    content = CONVERSATION_TEXTS[ticket.channel].content(ticket.conversation, file.name or "file", file)
    return _row(ticket, f"{ticket.channel}:{event_id}:file:{place}", OutboundKind.REPLY, event, content)


def _row(ticket: Ticket, key: str, kind: OutboundKind, event: Event, content: OutboundContent) -> OutboundMessage:
    external_id = hashlib.sha256(f"{key}:{ticket.id}".encode()).hexdigest()[:32]
    transport = traits_of(ticket.channel).transport
    return OutboundMessage(
        key, kind, ticket.conversation, external_id, content, ticket.id, event.message_id, transport=transport
    )
