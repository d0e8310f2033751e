"""Rows of tickets, messages and events. Every change of a ticket goes through `save`, with its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.mail.inbound_request import Cut
from desk.mail.stored_file import StoredFile
from desk.mail.trust import MessageTrust
from desk.priority.levels import Priority
from desk.priority.reasons import PriorityReasons
from desk.text import stored_record
from desk.tickets.event_data import read_data
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Change, Event, Message, MessageKind, Recipients, Status, Ticket
from storage.access import visibility
from storage.db.session import Session, enqueue
from storage.db.statements import claim_rows, for_update, insert_ignore, insert_rows, reserve_ids, update_rows, upsert
from storage.runtime import failures
from storage.tables.tickets import events, links, messages, participants, predictions, tickets
from storage.tickets import corrections


class Stale(RuntimeError):
    """Somebody else changed the ticket in the meantime: load it again and decide anew."""


_NAMING = (
    EventKind.LINKED, EventKind.UNLINKED, EventKind.SPLIT, EventKind.SPLIT_UNDONE, EventKind.MERGED_INTO,
    EventKind.MERGED_FROM, EventKind.UNMERGED, EventKind.PARENT_CHANGED
)  # fmt: skip
"""Events whose `before` and `after` are numbers of other tickets."""
_TICKET_FIELDS = tuple(f.name for f in fields(Ticket))
_TICKET = sa.select(*(tickets.c[name] for name in _TICKET_FIELDS))


def get(session: Session, ticket_id: int, *, lock: bool = False) -> Ticket | None:
    return get_many(session, [ticket_id], lock=lock).get(ticket_id)


def get_many(session: Session, ids: Iterable[int], *, lock: bool = False) -> dict[int, Ticket]:
    """Tickets by id; `lock` holds them (in order of id) until the transaction ends."""
    unique_ids = sorted(set(ids))
    if not unique_ids:
        return {}
    query = _TICKET.where(tickets.c.id.in_(unique_ids), *visibility.ticket_condition(session)).order_by(tickets.c.id)
    rows = session.execute(for_update(session, query) if lock else query)
    return {row.id: _ticket(row._mapping) for row in rows}


def merge_target(session: Session, ticket_id: int, *, lock: bool = False) -> Ticket | None:
    """The ticket, or the one that it was merged into, through any number of merges."""
    ticket = get(session, ticket_id, lock=lock)
    while ticket is not None and ticket.merged_into is not None:
        ticket = get(session, ticket.merged_into, lock=lock)
    return ticket


def page(
    session: Session, *, statuses: Sequence[Status] = (), before: int | None = None, most: int = 50
) -> list[Ticket]:
    """Newest tickets first; `before` (an id) pages on."""
    query = _TICKET.where(*visibility.ticket_condition(session)).order_by(tickets.c.id.desc()).limit(most)
    if statuses:
        query = query.where(tickets.c.status.in_([str(status) for status in statuses]))
    if before is not None:
        query = query.where(tickets.c.id < before)
    return [_ticket(row._mapping) for row in session.execute(query)]


def insert_many(session: Session, new_tickets: Sequence[Ticket]) -> None:
    """Stores new tickets with the ids that were reserved for them."""
    insert_rows(session, tickets, [_ticket_row(ticket) for ticket in new_tickets])


def save(session: Session, change: Change, *, react: bool = True) -> Ticket:
    """Stores a change and its events; raises Stale if the ticket has changed since it was loaded."""
    if not change.events:
        return change.ticket
    row = _ticket_row(change.ticket) | {"version": change.ticket.version + 1}
    where = (tickets.c.id == change.ticket.id, tickets.c.version == change.ticket.version)
    if session.execute(sa.update(tickets).where(*where).values(**_changed_columns(row))).rowcount != 1:
        raise Stale(f"ticket #{change.ticket.id} was changed by somebody else")
    add_events(session, change.events, react=react)
    return _ticket(row)


def save_locked(session: Session, changes: Iterable[Change], *, react: bool = True) -> None:
    """Stores changes of tickets that this transaction holds (`lock=True`), so that none can be stale."""
    with_events = [change for change in changes if change.events]
    rows = [
        _changed_columns(_ticket_row(change.ticket)) | {"version": change.ticket.version + 1} for change in with_events
    ]
    update_rows(session, tickets, "id", rows)
    add_events(session, [event for change in with_events for event in change.events], react=react)


def add_events(session: Session, happened: Sequence[Event], *, react: bool = True) -> None:
    """Adds events to the history; unless `react` is off the job `events` is enqueued."""
    if not happened:
        return
    insert_rows(
        session,
        events,
        [_event_row(event, react, session.via) for event in visibility.mark_privacy_changes(session, happened)],
    )
    corrections.record(session, happened)
    if react:
        enqueue(session, "events", happened[0].ticket_id)


EVENTS = "events"
"""The job of reacting to events, as failures name it."""


def claim_events(session: Session, most: int, now: datetime, first: Sequence[int] = ()) -> list[tuple[int, Event]]:
    """Events whose consequences are still to come, in order; those of the tickets in `first` are among them.

    Nobody else gets them until this transaction ends.
    """
    where = (~events.c.reacted, failures.ready_condition(EVENTS, events.c.id, now))
    query = sa.select(events).where(*where).order_by(events.c.id)
    rows = sorted(claim_rows(session, query, events.c.ticket_id, first, most), key=lambda row: int(row.id))
    if rows:
        ids = [row.id for row in rows]
        session.execute(sa.update(events).where(events.c.id.in_(ids)).values(reacted=True))
    return [(row.id, _event(row._mapping)) for row in rows]


def mark_unreacted(session: Session, event_id: int) -> None:
    """The consequences of the event failed and must be done again."""
    session.execute(sa.update(events).where(events.c.id == event_id).values(reacted=False))


def has_unreacted(session: Session, now: datetime | None = None) -> bool:
    """Whether events wait for their consequences; with a moment, whether some may be claimed now."""
    where = [~events.c.reacted, *([failures.ready_condition(EVENTS, events.c.id, now)] if now else [])]
    return session.execute(sa.select(events.c.id).where(*where).limit(1)).scalar() is not None


def reserve(session: Session, count: int) -> list[int]:
    """Reserves ticket numbers."""
    return reserve_ids(session, tickets, count)


def add_message(session: Session, message: Message) -> int:
    """Store one message; returns its id."""
    (message_id,) = reserve_ids(session, messages, 1)
    add_messages(session, [message], [message_id])
    return message_id


def add_messages(session: Session, new_messages: Sequence[Message], ids: Sequence[int]) -> None:
    """Messages with the ids that were reserved for them."""
    rows = [_message_row(m) | {"id": i} for m, i in zip(new_messages, ids, strict=True)]
    insert_rows(session, messages, rows)


CONVERSATION = (MessageKind.REPLY, MessageKind.NOTE, MessageKind.AUTOMATIC)
"""What a ticket's own conversation consists of; side conversations are read by themselves."""


def messages_of(
    session: Session,
    ticket_id: int,
    *,
    after: int = 0,
    most: int = 500,
    kinds: Sequence[MessageKind] = CONVERSATION,
) -> list[Message]:
    """The conversation, oldest first."""
    if not visibility.may_read(session, ticket_id):
        return []
    of_kinds = messages.c.kind.in_([str(kind) for kind in kinds])
    query = sa.select(messages).where(messages.c.ticket_id == ticket_id, messages.c.id > after, of_kinds)
    return [_message(row._mapping) for row in session.execute(query.order_by(messages.c.id).limit(most))]


def message(session: Session, message_id: int) -> Message | None:
    row = session.execute(sa.select(messages).where(messages.c.id == message_id)).first()
    return _message(row._mapping) if row and visibility.may_read(session, row.ticket_id) else None


def newest_of_agent(session: Session, ticket_id: int, agent_id: int, kind: MessageKind) -> Message | None:
    """The last message that an agent wrote on a ticket in the console, Slack or API, not by mail."""
    c = messages.c
    own = (c.author_kind == str(ActorKind.AGENT), c.author_id == agent_id, c.kind == str(kind), ~c.inbound)
    query = sa.select(messages).where(c.ticket_id == ticket_id, *own).order_by(c.id.desc()).limit(1)
    row = session.execute(query).first()
    return _message(row._mapping) if row and visibility.may_read(session, ticket_id) else None


def last_requester_message(session: Session, ticket_id: int, before: int) -> Message | None:
    """The requesters' newest public message below that id."""
    c = messages.c
    by_requester = (c.kind == str(MessageKind.REPLY), c.author_kind == str(ActorKind.REQUESTER), c.inbound)
    query = (
        sa.select(messages).where(c.ticket_id == ticket_id, c.id < before, *by_requester).order_by(c.id.desc()).limit(1)
    )
    row = session.execute(query).first()
    return _message(row._mapping) if row else None


def recent_public_messages(
    session: Session, ids: Iterable[int], most: int, length: int
) -> dict[int, list[tuple[bool, str]]]:
    """Ticket → its newest public messages: whether agents wrote it, and the first `length` letters of the words.

    What was written here is as its reader got it: with the signature.
    """
    c = messages.c
    newest = sa.func.row_number().over(partition_by=c.ticket_id, order_by=c.id.desc()).label("place")
    words = sa.func.substr(c.reply, 1, length).label("words")
    where = (c.ticket_id.in_(sorted(set(ids))), c.kind == str(MessageKind.REPLY))
    inner = sa.select(c.ticket_id, c.author_kind, c.inbound, c.cut, words, newest).where(*where).subquery()
    by_ticket: dict[int, list[tuple[bool, str]]] = {}
    for row in session.execute(sa.select(inner).where(inner.c.place <= most).order_by(inner.c.place)):
        below = [] if row.inbound else [part["text"] for part in row.cut or ()]
        by_ticket.setdefault(row.ticket_id, []).append(
            (row.author_kind == str(ActorKind.AGENT), "\n\n".join([row.words, *below]))
        )
    return by_ticket


def messages_by_ids(session: Session, ids: Iterable[int]) -> dict[int, Message]:
    rows = session.execute(sa.select(messages).where(messages.c.id.in_(sorted(set(ids)))))
    return {row.id: _message(row._mapping) for row in rows}


def move_messages(session: Session, ids: Sequence[int], to_ticket: int) -> None:
    """For split and merge: the messages go to another ticket."""
    session.execute(sa.update(messages).where(messages.c.id.in_(list(ids))).values(ticket_id=to_ticket))


def history(session: Session, ticket_id: int) -> list[Event]:
    """All events of a ticket, oldest first; without those that name another ticket that the viewer does not see."""
    rows = session.execute(sa.select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.id))
    happened = [_event(row._mapping) for row in rows] if visibility.may_read(session, ticket_id) else []
    unseen = visibility.hidden_tickets(session, {number for event in happened for number in _named_tickets(event)})
    return [event for event in happened if not unseen.intersection(_named_tickets(event))]


def numbered_history(session: Session, ticket_id: int) -> list[tuple[int, Event]]:
    """All events with their ids, for every viewer: for decisions, not for display."""
    rows = session.execute(sa.select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.id))
    return [(row.id, _event(row._mapping)) for row in rows]


def participants_of(session: Session, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Ticket → address → role, a word of `desk.tickets.participants.Participation`."""
    by_ticket: dict[int, dict[str, str]] = {ticket_id: {} for ticket_id in ids}
    query = sa.select(participants).where(participants.c.ticket_id.in_(sorted(by_ticket)))
    for row in session.execute(query) if by_ticket else ():
        by_ticket[row.ticket_id][row.address] = row.role
    return by_ticket


def add_participants(session: Session, rows: Iterable[tuple[int, str, str]]) -> None:
    """(ticket, address, role); who is there already keeps the role."""
    new_rows = [{"ticket_id": t, "address": a, "role": r} for t, a, r in sorted(set(rows))]
    insert_rows(session, participants, new_rows, ignore=True)


def set_participant(session: Session, ticket_id: int, address: str, role: str) -> None:
    """Sets how somebody takes part from now on, whatever it was before."""
    row = {"ticket_id": ticket_id, "address": address, "role": str(role)}
    upsert(session, participants, ("ticket_id", "address"), row)


def link(session: Session, ticket_id: int, other_id: int, kind: str) -> None:
    session.execute(insert_ignore(session, links), {"ticket_id": ticket_id, "other_id": other_id, "kind": kind})


def links_of(session: Session, ticket_id: int) -> list[tuple[int, str]]:
    """(other ticket, kind) in both directions."""
    query = sa.select(links).where((links.c.ticket_id == ticket_id) | (links.c.other_id == ticket_id))
    pairs = [(r.other_id if r.ticket_id == ticket_id else r.ticket_id, r.kind) for r in session.execute(query)]
    unseen = visibility.hidden_tickets(session, [other for other, _ in pairs])
    return [(other, kind) for other, kind in pairs if other not in unseen]


def tickets_naming_others(session: Session, ids: Iterable[int]) -> set[int]:
    """Those tickets that were opened by a mail that names a ticket in which its sender does not take part."""
    where = (links.c.ticket_id.in_(sorted(set(ids))), links.c.kind == "named")
    return set(session.execute(sa.select(links.c.ticket_id).where(*where)).scalars())


def add_predictions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(session, predictions, rows)


def prediction_of(session: Session, ticket_id: int) -> dict[str, Any] | None:
    row = session.execute(sa.select(predictions).where(predictions.c.ticket_id == ticket_id)).first()
    return dict(row._mapping) if row else None


def _named_tickets(event: Event) -> list[int]:
    """The other tickets that an event names."""
    if event.kind not in _NAMING:
        return []
    words = [text.removeprefix("#") for text in (event.before, event.after)]
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19]


def _ticket(row: Mapping[str, Any] | sa.RowMapping) -> Ticket:
    values = {name: row[name] for name in _TICKET_FIELDS}
    values |= {"status": Status(row["status"]), "priority": Priority(row["priority"]), "tags": tuple(row["tags"])}
    values["priority_why"] = PriorityReasons.from_json(row["priority_why"] or {})
    return Ticket(**values)


def _ticket_row(ticket: Ticket) -> dict[str, Any]:
    row = {name: getattr(ticket, name) for name in _TICKET_FIELDS}
    row |= {"status": str(ticket.status), "priority": str(ticket.priority), "tags": list(ticket.tags)}
    return row | {"priority_why": ticket.priority_why.to_json()}


def _changed_columns(row: dict[str, Any]) -> dict[str, Any]:
    """Without the columns that follow from timers: a change must not store an old due time."""
    return {name: value for name, value in row.items() if name != "due_at"}


def _event_row(event: Event, react: bool, via: str) -> dict[str, Any]:
    data = event.data.to_json()
    return {
        "ticket_id": event.ticket_id,
        "at": event.at,
        "kind": str(event.kind),
        "actor_kind": str(event.actor.kind),
        "actor_id": event.actor.id,
        "actor_name": event.actor.name,
        "before": event.before,
        "after": event.after,
        "why": event.why,
        "data": {"via": via, **data} if via else data,
        "message_id": event.message_id,
        "reacted": not react,
    }


def _event(row: sa.RowMapping) -> Event:
    actor = Actor(ActorKind(row["actor_kind"]), row["actor_id"], row["actor_name"])
    kind, data = EventKind(row["kind"]), read_data(row["kind"], row["data"])
    words = (row["before"], row["after"], row["why"])
    return Event(row["ticket_id"], row["at"], kind, actor, *words, data, row["message_id"])


def _message_row(message: Message) -> dict[str, Any]:
    author = message.author
    row = {f.name: getattr(message, f.name) for f in fields(Message) if f.name not in ("id", "author")}
    row |= {
        "kind": str(message.kind),
        "author_kind": str(author.kind),
        "author_id": author.id,
        "author_name": author.name,
    }
    row |= {"recipients": stored_record.to_json(message.recipients), "trust": message.trust.to_json()}
    row["attachments"] = [file.to_json() for file in message.attachments]
    row["cut"] = [{"reason": part.reason, "text": part.text} for part in message.cut]
    return row | {"references": list(message.references)}


def _message(row: sa.RowMapping) -> Message:
    author = Actor(ActorKind(row["author_kind"]), row["author_id"], row["author_name"])
    values = {f.name: row[f.name] for f in fields(Message) if f.name != "author"}
    values["references"] = tuple(row["references"])
    values["cut"] = tuple(Cut(part["reason"], part["text"]) for part in row["cut"])
    values["attachments"] = tuple(map(StoredFile.from_json, row["attachments"]))
    values["trust"] = MessageTrust.from_json(row["trust"])
    values["recipients"] = stored_record.from_json(Recipients, row["recipients"] or {})
    return Message(**values | {"author": author, "kind": MessageKind(row["kind"])})
