"""Edits and withdrawals of messages in their channel: the old text stays in the history.

An edit is an event with the text before and after; an inbound message then shows the new text. What an agent has
already sent to a requester stays as it was sent. A withdrawn message keeps its text, and is marked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Change, Event, Message, MessageKind, Ticket
from storage.db.session import Session
from storage.tables.tickets import messages
from storage.tickets import tickets

EDITED, WITHDRAWN = EventKind.MESSAGE_EDITED, EventKind.MESSAGE_WITHDRAWN


def edit(session: Session, message: Message, text: str, actor: Actor, at: datetime, why: str = "") -> bool:
    """Stores the new text; False where nothing changes."""
    ticket = tickets.get(session, message.ticket_id, lock=True)
    if ticket is None or text == message.reply:
        return False
    sent = message.kind is MessageKind.REPLY and message.author.kind is ActorKind.AGENT
    if not sent:
        where = messages.c.id == message.id
        session.execute(sa.update(messages).where(where).values(text=text, reply=text))
    reason = "the requester has the first words" if sent else why
    _save(session, ticket, Event(ticket.id, at, EDITED, actor, message.reply, text, reason, message_id=message.id))
    return True


def withdraw(session: Session, message: Message, actor: Actor, at: datetime, why: str = "") -> bool:
    """Marks the message as withdrawn; False where it was before."""
    ticket = tickets.get(session, message.ticket_id, lock=True)
    if ticket is None or message.trust.withdrawn:
        return False
    trust = replace(message.trust, withdrawn=at.isoformat()).to_json()
    session.execute(sa.update(messages).where(messages.c.id == message.id).values(trust=trust))
    _save(session, ticket, Event(ticket.id, at, WITHDRAWN, actor, why=why, message_id=message.id))
    return True


def _save(session: Session, ticket: Ticket, event: Event) -> None:
    tickets.save(session, Change(ticket, (event,)))
