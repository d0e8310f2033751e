"""Messages to the requester's Slack thread: number, category and assignee at first, then replies and changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from desk.channels import Channel, Transport
from desk.mail.states import OutboundKind
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, Message, Ticket
from storage.mail.outbound import OutboundMessage
from storage.people.people import Person
from workers.slack import texts as slack_texts


def messages_for(
    ticket: Ticket, event_id: int, event: Event, message: Message | None, persons: Mapping[int, Person], team: str
) -> list[OutboundMessage]:
    """At most one letter to the ticket's Slack thread; none where the ticket has none, and never a note."""
    if ticket.channel != Channel.SLACK or not ticket.conversation:
        return []
    text = _text(ticket, event, message, persons, team)
    letters = [_letter(ticket, event_id, event, text)] if text else []
    files = message.attachments if event.kind == EventKind.REPLIED and message is not None else ()
    return letters + [_file(ticket, event_id, event, place, file) for place, file in enumerate(files)]


def _text(ticket: Ticket, event: Event, message: Message | None, persons: Mapping[int, Person], team: str) -> str:
    if event.kind == EventKind.OPENED:
        owner = persons.get(ticket.assignee_id or 0)
        return slack_texts.opened_text(ticket, owner.name if owner else "", ticket.category or "", team)
    if event.kind == EventKind.REPLIED and message is not None:
        return slack_texts.reply_text(message.author.name, message.reply)
    if event.kind == EventKind.ASSIGNED and event.after:
        return slack_texts.changed_text(f"{event.after} takes care of it")
    if event.kind == EventKind.REMINDED:
        return slack_texts.changed_text("we wait for your answer; without one we take this as solved")
    if event.kind == EventKind.REOPENED:
        return slack_texts.changed_text("it is open again")
    # That it is open or waits for the requester follows from what was just said in the thread.
    if event.kind == EventKind.STATUS_CHANGED and event.after in ("resolved", "closed", "on_hold"):
        return slack_texts.changed_text(f"status is now {event.after.replace('_', ' ')}")
    return ""


def _letter(ticket: Ticket, event_id: int, event: Event, text: str) -> OutboundMessage:
    kind = OutboundKind.REPLY if event.kind == EventKind.REPLIED else OutboundKind.NOTICE
    return _row(ticket, f"slack:{event_id}", kind, event, {"text": text})


def _file(ticket: Ticket, event_id: int, event: Event, place: int, file: Mapping[str, Any]) -> OutboundMessage:
    """An agent's file has a row of its own, so that one that fails keeps no words back."""
    content = {"text": str(file.get("name") or "file"), "file": {name: file.get(name) for name in _FILE}}
    return _row(ticket, f"slack:{event_id}:file:{place}", OutboundKind.REPLY, event, content)


_FILE = ("name", "size", "sha256", "media_type")


def _row(ticket: Ticket, key: str, kind: OutboundKind, event: Event, content: Mapping[str, Any]) -> OutboundMessage:
    channel, thread_ts = slack_texts.place_of(ticket.conversation)
    external_id = hashlib.sha256(f"{key}:{ticket.id}".encode()).hexdigest()[:32]
    said = {"channel": channel, "thread_ts": thread_ts, **content}
    return OutboundMessage(
        key, kind, ticket.conversation, external_id, said, ticket.id, event.message_id, transport=Transport.SLACK
    )
