"""Replies, notes and splits; each with its events, in one transaction.

Mail commands, Slack, the console and the command line use them; notifications follow from the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from desk.mail.inbound_request import Cut
from desk.mail.stored_file import StoredFile
from desk.mail.trust import MessageTrust
from desk.people.organisations import organisation
from desk.tickets import subject, threading, transitions
from desk.tickets.event_data import Mention
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Change, Event, Message, MessageKind, NotAllowed, Ticket
from storage.db.session import Session
from storage.mail import external_references
from storage.people import holders
from storage.tables.tickets import messages, thread_ids
from storage.tickets import signatures, tickets
from usecases.tickets import watchers


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody of the desk writes on a ticket, and by which channel (`via`).

    `external_id` is the channel's own name for the message, by which it can be found again; a reply that is not
    `signed` has no signature.
    """

    actor: Actor
    text: str
    at: datetime
    via: str
    attachments: Sequence[StoredFile] = ()
    external_id: str = ""
    signed: bool = True


def reply(session: Session, ticket: Ticket, written: Written) -> Ticket:
    """An agent's public reply; the mail or Slack message to the requester follows from its event.

    The signature is fixed now and kept beside the words.
    """
    _refuse_empty(written)
    actor, at = written.actor, written.at
    message = _message(ticket, MessageKind.REPLY, written)
    below = signatures.for_reply(session, ticket, actor, at) if written.signed else ""
    if below:
        message = replace(message, cut=(Cut(signatures.REASON, below),))
    message_id = tickets.add_message(session, message)
    return tickets.save(session, change_after_reply(session, ticket, actor, at, message_id))


def note_refused(session: Session, ticket: Ticket, written: Written, why: str) -> int:
    """Stores the text of an agent whose role does not allow it, as a note that says so; returns the message's id."""
    note = _message(ticket, MessageKind.NOTE, written)
    return tickets.add_message(session, replace(note, trust=MessageTrust(unverified="", refused=why)))


def change_after_reply(session: Session, ticket: Ticket, actor: Actor, at: datetime, message_id: int) -> Change:
    """What a public reply changes; an author who may not own the ticket does not come to own it by answering first."""
    unowned = ticket.assignee_id is None and actor.id is not None
    owns = unowned and not holders.reason_against(session, ticket.team_id, actor.id or 0)
    return transitions.reply(ticket, actor, at, message_id, owns=owns)


def note(session: Session, ticket: Ticket, written: Written) -> Ticket:
    """An internal note; it never leaves the desk. Agents whom it mentions by `@name` are notified, and watch it."""
    _refuse_empty(written)
    actor, at = written.actor, written.at
    message_id = tickets.add_message(session, _message(ticket, MessageKind.NOTE, written))
    called = watchers.watch_mentioned(session, ticket, written.text, at)
    why = f"for {', '.join(agent.name or agent.address for agent in called)}" if called else ""
    noted = transitions.note(ticket, actor, at, message_id, why)
    data = Mention(mentioned=tuple(agent.id for agent in called))
    return tickets.save(session, Change(noted.ticket, tuple(replace(event, data=data) for event in noted.events)))


def split(session: Session, message_id: int, actor: Actor, at: datetime) -> Ticket:
    """Makes the message a ticket of its own, linked to the one that it left."""
    message = tickets.message(session, message_id)
    if message is None or message.kind in (MessageKind.NOTE, MessageKind.SIDE) or not message.inbound:
        raise NotAllowed("only a message of the conversation that came in can be split off")
    old = tickets.get(session, message.ticket_id, lock=True)
    # Read again under the lock: somebody else may have split or merged it meanwhile.
    message = tickets.message(session, message_id)
    if old is None or message is None or message.ticket_id != old.id or _count(session, old.id) < 2:
        raise NotAllowed("this is the only message of its ticket")
    (number,) = tickets.reserve(session, 1)
    new = _split_ticket(number, old, message, at)
    tickets.insert_many(session, [new])
    _move(session, [message_id], [message.external_id], new.id)
    external_references.move(session, _numbers(message), old.id, new.id, message.created_at)
    tickets.add_participants(session, [(new.id, message.author_address, "requester")])
    tickets.link(session, new.id, old.id, "split")
    why = f"split off #{old.id}"
    tickets.add_events(session, transitions.opened(new, actor, why).events)
    tickets.save(
        session, Change(old, (Event(old.id, at, EventKind.SPLIT, actor, after=str(new.id), message_id=message_id),))
    )
    return new


def newest_message(session: Session, ticket_id: int) -> int:
    """The id of the message that was written last on a ticket that this transaction holds."""
    return int(
        session.execute(sa.select(sa.func.max(messages.c.id)).where(messages.c.ticket_id == ticket_id)).scalar_one()
    )


def _refuse_empty(written: Written) -> None:
    if not written.text.strip() and not written.attachments:
        raise NotAllowed("there is no text to send")


def _message(ticket: Ticket, kind: MessageKind, written: Written) -> Message:
    return Message(
        ticket.id,
        kind,
        inbound=False,
        author=written.actor,
        created_at=written.at,
        subject=ticket.subject,
        text=written.text,
        reply=written.text,
        signal="written",
        signal_detail=written.via,
        attachments=tuple(written.attachments),
        external_id=written.external_id,
    )


def _split_ticket(number: int, old: Ticket, message: Message, at: datetime) -> Ticket:
    by_requester = message.author.kind is ActorKind.REQUESTER and message.author.id is not None
    return Ticket(
        id=number,
        subject=message.subject or old.subject,
        requester_id=message.author.id if by_requester and message.author.id else old.requester_id,
        created_at=at,
        updated_at=at,
        priority=old.priority,
        team_id=old.team_id,
        mailbox_id=old.mailbox_id,
        channel=old.channel,
    )


def _numbers(message: Message) -> list[tuple[str, str]]:
    """External references in its subject, of its author's organisation."""
    whose = organisation(message.author_address)
    return [(number, whose) for number in subject.lasting_numbers(message.subject)] if whose else []


def _count(session: Session, ticket_id: int) -> int:
    where = (messages.c.ticket_id == ticket_id, messages.c.kind != str(MessageKind.SIDE))
    query = sa.select(sa.func.count()).select_from(messages).where(*where)
    return int(session.execute(query).scalar_one())


def _move(session: Session, message_ids: Sequence[int], external_ids: Sequence[str], to_ticket: int) -> None:
    tickets.move_messages(session, message_ids, to_ticket)
    keys = [threading.mail_key(external_id) for external_id in external_ids if external_id]
    session.execute(sa.update(thread_ids).where(thread_ids.c.message_id.in_(keys)).values(ticket_id=to_ticket))
