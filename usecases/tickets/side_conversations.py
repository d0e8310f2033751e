"""Side conversations: who is asked beside the ticket, the messages, and whether it is still open.

The caller's transaction holds the ticket. Rows and events are stored here; the mail to the third party follows from
its event. Whoever may see the ticket may see them. The rules: `desk/tickets/side_conversation.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.mail.inbound_request import Cut, Party
from desk.mail.stored_file import StoredFile
from desk.portal import status_links
from desk.tickets import side_conversation as rules
from desk.tickets.side_conversation import SentMessage, Side, State, Step
from desk.tickets.ticket import Actor, ActorKind, Author, Message, MessageKind, NotAllowed, Recipients, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import reserve_ids
from storage.people import people
from storage.people.addresses import canonical_words
from storage.tables.people import side_conversations
from storage.tables.tickets import mailboxes, messages, outbound
from storage.tickets import signatures, tickets

_c = side_conversations.c
_COLUMNS = [_c[field.name] for field in fields(Side)]
LONGEST_TEXT = 200_000


@dataclass(frozen=True, slots=True)
class SideMessage:
    """What an agent sends: `files` are (message, place) of attachments of the ticket; `quote` is how many of the newest
    public messages go along; `hold` puts the ticket on hold until it is answered; `also` is who joins from now on."""

    text: str
    files: tuple[tuple[int, int], ...] = ()
    quote: int = 0
    hold: bool = False
    also: str = ""


def start_with_message(
    session: Session, ticket: Ticket, to: str, subject: str, message: SideMessage, by: Author
) -> tuple[Side, Ticket]:
    """Starts a conversation with its first message. `to` is one address or several; the caller holds the ticket."""
    side, ticket = start(session, ticket, to, subject, by)
    return add_message(session, side, ticket, message, by)


def start(
    session: Session, ticket: Ticket, to: str, subject: str, by: Author, *, react: bool = True
) -> tuple[Side, Ticket]:
    """Starts a conversation without a message."""
    participants = _asked_now(session, ticket, (), to, by.at)
    title = " ".join(subject.split())[: rules.LONGEST_SUBJECT] or ticket.subject
    (number,) = reserve_ids(session, side_conversations, 1)
    side = Side(number, ticket.id, title, participants[0], participants, by.at, by.actor.id)
    session.execute(sa.insert(side_conversations).values(**_row(side)))
    return side, tickets.save(session, rules.begun(side, ticket, by.actor, by.at).change, react=react)


def add_message(session: Session, side: Side, ticket: Ticket, words: SideMessage, by: Author) -> tuple[Side, Ticket]:
    """Adds a message to the third party. The caller holds the ticket."""
    text = words.text.replace("\r\n", "\n").strip("\n")
    if not text.strip():
        raise NotAllowed("there is no text to send")
    if len(text) > LONGEST_TEXT:
        raise NotAllowed(f"a message has at most {LONGEST_TEXT} characters")
    if words.also.strip():
        side = replace(side, people=_asked_now(session, ticket, side.people, words.also, by.at))
    below = signatures.for_reply(session, ticket, by.actor, by.at)
    message = Message(
        ticket.id,
        MessageKind.SIDE,
        inbound=False,
        author=by.actor,
        created_at=by.at,
        subject=side.subject,
        text=rules.quoted(text, quotable_messages(session, ticket.id, words.quote)),
        reply=text,
        cut=(Cut(signatures.REASON, below),) if below else (),
        signal="written",
        signal_detail=by.via,
        attachments=tuple(_files(session, ticket.id, words.files)),
        recipients=Recipients((side.address,), tuple(each for each in side.people if each != side.address)),
        side_id=side.id,
    )
    number = tickets.add_message(session, message)
    sent = SentMessage(by.actor, by.at, number, words.hold, len(message.attachments))
    return save(session, rules.sent(side, ticket, sent))


def _asked_now(session: Session, ticket: Ticket, current: Sequence[str], typed: str, at: datetime) -> tuple[str, ...]:
    """Who takes part, with those whose addresses somebody typed; raises NotAllowed for whom nobody may ask aside."""
    new = rules.addresses(canonical_words(typed))
    requester = people.by_ids(session, [ticket.requester_id]).get(ticket.requester_id)
    boxes = set(session.execute(sa.select(mailboxes.c.address).where(mailboxes.c.address.in_(new))).scalars())
    participants = tuple(dict.fromkeys((*current, *new)))
    rules.check_people(participants, requester.address if requester else "", boxes)
    # Whoever is asked has a row: so their data can be exported and erased, though they may never answer.
    people.ensure_people(session, [Party(address) for address in new], at)
    return participants


def end(session: Session, side: Side, ticket: Ticket, actor: Actor, at: datetime) -> tuple[Side, Ticket]:
    return save(session, rules.closed(side, ticket, actor, at))


def reopen(session: Session, side: Side, ticket: Ticket, actor: Actor, at: datetime) -> tuple[Side, Ticket]:
    return save(session, rules.reopened(side, ticket, actor, at))


def record_bounce(session: Session, side_id: int, ticket: Ticket, at: datetime) -> None:
    """A mail of the conversation bounced; a ticket that was on hold for its answer goes on."""
    side = by_ids(session, [side_id]).get(side_id)
    if side is not None:
        save(session, rules.failed(side, ticket, at))


def save(session: Session, step: Step, *, react: bool = True) -> tuple[Side, Ticket]:
    """Stores the conversation, and the ticket with its events."""
    save_row(session, step.side)
    return step.side, tickets.save(session, step.change, react=react)


def save_row(session: Session, side: Side) -> None:
    """Stores the conversation alone; the caller stores the change of its ticket."""
    values = {"state": str(side.state), "holds": side.holds, "people": list(side.people)}
    session.execute(sa.update(side_conversations).where(_c.id == side.id).values(**values))


def lock_with_ticket(session: Session, side_id: int) -> tuple[Side, Ticket]:
    """The conversation and its ticket, locked from now on; NotAllowed where there is none."""
    number = session.execute(sa.select(_c.ticket_id).where(_c.id == side_id)).scalar()
    ticket = tickets.get(session, number, lock=True) if number else None
    # Read again under the lock: the ticket may have been merged meanwhile, or somebody else wrote.
    side = by_ids(session, [side_id]).get(side_id) if ticket else None
    if ticket is None or side is None or side.ticket_id != ticket.id:
        raise NotAllowed(f"there is no side conversation {side_id}")
    return side, ticket


def by_ids(session: Session, ids: Iterable[int]) -> dict[int, Side]:
    """For every viewer, because inbound mail needs them."""
    unique_ids = sorted(set(ids))
    rows = session.execute(sa.select(*_COLUMNS).where(_c.id.in_(unique_ids))) if unique_ids else ()
    return {row.id: _side(row._mapping) for row in rows}


def of_ticket(session: Session, ticket_id: int) -> list[Side]:
    """Those of a ticket, the oldest first."""
    if not visibility.may_read(session, ticket_id):
        return []
    rows = session.execute(sa.select(*_COLUMNS).where(_c.ticket_id == ticket_id).order_by(_c.id))
    return [_side(row._mapping) for row in rows]


def messages_by_conversation(session: Session, ticket_id: int) -> dict[int, list[Message]]:
    """The messages of each conversation, the oldest first."""
    by_side: dict[int, list[Message]] = {}
    for message in tickets.messages_of(session, ticket_id, kinds=(MessageKind.SIDE,), most=2_000):
        by_side.setdefault(message.side_id or 0, []).append(message)
    return by_side


def quotable_messages(session: Session, ticket_id: int, most: int) -> list[tuple[str, str]]:
    """The newest public messages as they are quoted to a third party: names and text, no addresses."""
    if most <= 0:
        return []
    c = messages.c
    public = (c.ticket_id == ticket_id, c.kind == str(MessageKind.REPLY))
    query = sa.select(c.author_name, c.created_at, c.sent_at, c.reply).where(*public).order_by(c.id.desc())
    rows = session.execute(query.limit(min(most, rules.MOST_QUOTED))).all()
    return [
        (_heading(row.author_name, row.sent_at or row.created_at), status_links.hidden(row.reply))
        for row in reversed(rows)
    ]


def message_ids_of_mails(session: Session, side_id: int, before: int) -> list[str]:
    """The Message-IDs of its mails below that message, theirs and ours, the oldest first."""
    m, o = messages.c, outbound.c
    query = sa.select(m.id, m.external_id, m.author_kind).where(m.side_id == side_id, m.id < before)
    rows = session.execute(query).all()
    # An agent's own mail to us is none of them; the outbound message that was made of it is, and is found by its key.
    named = [(row.id, row.external_id) for row in rows if row.author_kind == str(ActorKind.THIRD_PARTY)]
    sent = sa.select(o.message_id, o.external_id).where(o.dedupe_key.in_([f"side:{row.id}" for row in rows]))
    named += [(row.message_id, row.external_id) for row in session.execute(sent)]
    return [name for _, name in sorted(named) if "@" in name]


def move(session: Session, from_ticket: int, to_ticket: int) -> None:
    """A merge moves them to the other ticket."""
    session.execute(sa.update(side_conversations).where(_c.ticket_id == from_ticket).values(ticket_id=to_ticket))


def move_back(session: Session, message_ids: Sequence[int], from_ticket: int, to_ticket: int) -> None:
    """An undone merge moves back those that have one of its messages, with all later messages."""
    named = sa.select(messages.c.side_id).where(messages.c.id.in_(list(message_ids)), messages.c.side_id.is_not(None))
    ids = sorted(set(session.execute(named).scalars()))
    if ids:
        where = (_c.id.in_(ids), _c.ticket_id == from_ticket)
        session.execute(sa.update(side_conversations).where(*where).values(ticket_id=to_ticket))
        later = (messages.c.side_id.in_(ids), messages.c.ticket_id == from_ticket)
        session.execute(sa.update(messages).where(*later).values(ticket_id=to_ticket))


def redact_person(session: Session, address: str, instead: str) -> list[int]:
    """Removes a person from every conversation in which they were asked; returns the tickets of these."""
    sides = _asked(session, address)
    for side in sides:
        people_left = [instead if participant == address else participant for participant in side.people]
        values = {"people": people_left, "address": instead if side.address == address else side.address}
        session.execute(sa.update(side_conversations).where(_c.id == side.id).values(**values))
    return [side.ticket_id for side in sides]


def about_person(session: Session, address: str, tickets_of_theirs: Sequence[int]) -> list[dict[str, Any]]:
    """For somebody's own data: the conversations in which they were asked, and those about their own tickets.

    Of the latter it tells who was asked, when, and what was sent there; what others answered is theirs.
    """
    c = messages.c
    mine = {side.id: side for side in _asked(session, address)}
    rows = session.execute(sa.select(*_COLUMNS).where(_c.ticket_id.in_(list(tickets_of_theirs))))
    about = {row.id: _side(row._mapping) for row in rows} | mine
    conversations = []
    for number, side in sorted(about.items()):
        where = (c.side_id == number,) if number in mine else (c.side_id == number, c.author_kind != "third_party")
        columns = sa.select(c.id, c.created_at, c.inbound, c.author_name, c.text, c.attachments).where(*where)
        said_there = [dict(row._mapping) for row in session.execute(columns.order_by(c.id))]
        whole = {name: getattr(side, name) for name in ("id", "ticket_id", "subject", "address", "created_at")}
        conversations.append(whole | {"people": list(side.people), "messages": said_there})
    return conversations


def _asked(session: Session, address: str) -> list[Side]:
    named = sa.func.lower(sa.cast(_c.people, sa.Text)).contains(address, autoescape=True)
    rows = session.execute(sa.select(*_COLUMNS).where(named).order_by(_c.id))
    return [side for row in rows if address in (side := _side(row._mapping)).people]


def all_as_json(session: Session, ticket_id: int) -> list[dict[str, Any]]:
    """All conversations of a ticket with their messages, as JSON."""
    sides = of_ticket(session, ticket_id)
    words = messages_by_conversation(session, ticket_id) if sides else {}
    names = ("id", "ticket_id", "subject", "address", "holds")
    return [
        {name: getattr(side, name) for name in names}
        | {"people": list(side.people), "state": str(side.state), "created_at": side.created_at.isoformat()}
        | {"messages": [_message_json(message) for message in words.get(side.id, ())]}
        for side in sides
    ]


def _message_json(message: Message) -> dict[str, Any]:
    names = ("id", "inbound", "author_address", "subject", "text", "reply")
    row = {name: getattr(message, name) for name in names}
    files = [{"name": file.name, "media_type": file.media_type, "size": file.size} for file in message.attachments]
    row |= {"author": message.author.name, "automatic": message.trust.automatic, "attachments": files}
    return row | {"created_at": message.created_at.isoformat()}


def _files(session: Session, ticket_id: int, chosen: Sequence[tuple[int, int]]) -> list[StoredFile]:
    """Attachments of this ticket's messages; raises NotAllowed for any other."""
    named = tickets.messages_by_ids(session, [number for number, _ in chosen])
    chosen_files: list[StoredFile] = []
    for number, place in dict.fromkeys(chosen):
        message = named.get(number)
        if message is None or message.ticket_id != ticket_id or not 0 <= place < len(message.attachments):
            raise NotAllowed(f"message {number} of this ticket has no attachment {place}")
        chosen_files.append(replace(message.attachments[place], inline=False, content_id=""))
    return chosen_files


def _heading(name: str, at: datetime) -> str:
    return f"{'The requester' if '@' in name or not name else name} wrote on {at:%Y-%m-%d %H:%M} UTC:"


def _row(side: Side) -> dict[str, Any]:
    row = {column.name: getattr(side, column.name) for column in _COLUMNS}
    return row | {"people": list(side.people), "state": str(side.state)}


def _side(row: sa.RowMapping) -> Side:
    values = {column.name: row[column.name] for column in _COLUMNS}
    return replace(Side(**values), people=tuple(row["people"]), state=State(row["state"]))
