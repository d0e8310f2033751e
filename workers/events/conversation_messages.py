"""Messages to a ticket's conversation on its channel: number, category and assignee at first, then replies and changes.

Only for channels with conversations of their own (Slack); the texts and the markup are the channel's.
"""

from __future__ import annotations

import hashlib

from desk.channels import OutboundContent, traits_of
from desk.mail.states import OutboundKind
from desk.mail.stored_file import StoredFile
from desk.tickets.events import EventKind
from storage.mail.outbound_message import OutboundMessage
from workers.notifications.ticket_event import TicketEvent
from workers.outbound.transport import ConversationTexts
from workers.outbound.transports import CONVERSATION_TEXTS


def messages_for(happened: TicketEvent, team: str) -> list[OutboundMessage]:
    """One message with the reply or change, and one for each file; none where the ticket has no conversation."""
    ticket, event, message = happened.ticket, happened.event, happened.message
    texts = CONVERSATION_TEXTS.get(ticket.channel)
    if texts is None or not ticket.conversation:
        return []
    text = _text(texts, happened, team)
    messages = [_message(happened, text)] if text else []
    files = message.attachments if event.kind == EventKind.REPLIED and message is not None else ()
    return messages + [_file(happened, place, file) for place, file in enumerate(files)]


def _text(texts: ConversationTexts, happened: TicketEvent, team: str) -> str:
    ticket, event, message = happened.ticket, happened.event, happened.message
    if event.kind == EventKind.OPENED:
        owner = happened.persons.get(ticket.assignee_id or 0)
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


def _message(happened: TicketEvent, text: str) -> OutboundMessage:
    kind = OutboundKind.REPLY if happened.event.kind == EventKind.REPLIED else OutboundKind.NOTICE
    content = CONVERSATION_TEXTS[happened.ticket.channel].content(happened.ticket.conversation, text)
    return _row(happened, str(happened.event_id), kind, content)


def _file(happened: TicketEvent, place: int, file: StoredFile) -> OutboundMessage:
    """An agent's file has a row of its own, so that one that fails keeps no words back."""
    texts = CONVERSATION_TEXTS[happened.ticket.channel]
    content = texts.content(happened.ticket.conversation, file.name or "file", file)
    return _row(happened, f"{happened.event_id}:file:{place}", OutboundKind.REPLY, content)


def _row(happened: TicketEvent, name: str, kind: OutboundKind, content: OutboundContent) -> OutboundMessage:
    ticket, transport = happened.ticket, traits_of(happened.ticket.channel).transport
    key = f"{ticket.channel}:{name}"
    external_id = hashlib.sha256(f"{key}:{ticket.id}".encode()).hexdigest()[:32]
    number = happened.event.message_id
    return OutboundMessage(key, kind, ticket.conversation, external_id, content, ticket.id, number, transport=transport)
