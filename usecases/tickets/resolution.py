"""The resolution of a ticket: written by whoever resolves it, or taken from the last reply.

A resolution taken from a reply gives way to a newer reply; a written one stays.
"""

from __future__ import annotations

from datetime import datetime

from desk.tickets import properties, transitions
from desk.tickets.ticket import Actor, ActorKind, Change, Message, MessageKind, NotAllowed, Ticket
from storage.db.session import Session
from storage.knowledge import csat_settings
from storage.tickets import tickets

LONGEST = 20_000


def resolve(session: Session, ticket: Ticket, actor: Actor, at: datetime, said: str = "", why: str = "") -> Change:
    """Resolves the ticket with its resolution. NotAllowed where one is required and there is none."""
    words = said.strip()[:LONGEST] or resolution_from_replies(session, ticket)
    if not words and csat_settings.rules(session).resolution_required:
        raise NotAllowed("say what solved it: answer the requester, or write it down under Resolution")
    change = properties.set_resolution(ticket, words, actor, at, "" if said.strip() else "the last reply")
    return change.then(transitions.resolve(change.ticket, actor, at, why))


def resolution_from_replies(session: Session, ticket: Ticket) -> str:
    """The resolution taken from the last reply."""
    replies = [
        message.reply.strip()[:LONGEST]
        for message in tickets.messages_of(session, ticket.id, most=10_000)
        if _ours(message)
    ]
    if not replies or (ticket.resolution and ticket.resolution not in replies):
        return ticket.resolution
    return replies[-1]


def _ours(message: Message) -> bool:
    """An agent's reply, from the console or by mail: what an agent mails came in too."""
    return message.kind is MessageKind.REPLY and message.author.kind is ActorKind.AGENT
