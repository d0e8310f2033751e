"""Scheduled replies: those that wait for the seconds of undo send, and those for a later time.

Each is sent exactly once, even if processes are killed, because its row is deleted in the transaction that stores the
message; or it is cancelled and becomes a draft again. A reply that is refused when its time comes goes back to its
author with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.access import permissions
from desk.access.permissions import Verb
from desk.mail.stored_file import StoredFile
from desk.tickets import scheduled_replies as tickets_scheduled_replies
from desk.tickets.ticket import Actor, ActorKind, MessageKind, NotAllowed, Status, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.people import people
from storage.people.people import Person
from storage.runtime import failures
from storage.tables.people import scheduled_replies
from storage.tables.tickets import messages
from storage.tickets import drafts, tickets
from usecases.rules import macros
from usecases.tickets import conversation, custom_fields, resolution
from usecases.tickets.conversation import Written

_c = scheduled_replies.c


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """A reply that an agent wants to send.

    `seen` is the last message that they knew, for replies that wait long; `signed`: with the signature.
    """

    text: str
    resolve: bool = False
    macro_id: int | None = None
    seen: int | None = None
    signed: bool = True
    files: tuple[StoredFile, ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ReplyRequest:
        files = tuple(StoredFile.from_json(file) for file in stored.get("files", ()))
        return cls(**{**stored, "files": files})

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"files": [file.to_json() for file in self.files]}


@dataclass(frozen=True, slots=True)
class ScheduledReply:
    """A reply that waits."""

    id: int
    ticket_id: int
    agent_id: int
    send_at: datetime
    answer: ReplyRequest


def reply_now(
    session: Session, ticket: Ticket, actor: Actor, answer: ReplyRequest, now: datetime, *, via: str = "console"
) -> Ticket:
    """Stores the reply, and what goes with it: the macro that made it, the resolution of the ticket."""
    written = Written(actor, answer.text, now, via=via, attachments=answer.files, signed=answer.signed)
    ticket = conversation.reply(session, ticket, written)
    macro = next((candidate for candidate in macros.list_all(session) if candidate.id == answer.macro_id), None)
    if macro is not None:
        result = macros.apply(session, macro, ticket, actor, now)
        if result.refused:
            raise NotAllowed(f"the macro {macro.name} does not fit: {'; '.join(result.refused)}")
        ticket = result.ticket
    if answer.resolve and ticket.status is not Status.RESOLVED:
        custom_fields.refuse_unfilled(session, ticket)
        ticket = tickets.save(session, resolution.resolve(session, ticket, actor, now))
    return ticket


def schedule(
    session: Session, ticket: Ticket, actor: Actor, answer: ReplyRequest, now: datetime, send_at: datetime
) -> Ticket:
    """Schedules the reply. Raises NotAllowed for one that could not be sent even now."""
    if not answer.text.strip() and not answer.files:
        raise NotAllowed("there is no text to send")
    if actor.id is None or ticket.merged_into is not None:
        raise NotAllowed("nobody is there to answer, or the ticket was merged")
    _check_by_dry_run(session, ticket, actor, answer, now)
    values = {"ticket_id": ticket.id, "agent_id": actor.id, "content": answer.to_json(), "send_at": send_at}
    session.execute(sa.insert(scheduled_replies).values(**values))
    return tickets.save(session, tickets_scheduled_replies.schedule(ticket, actor, now, send_at))


def _check_by_dry_run(session: Session, ticket: Ticket, actor: Actor, answer: ReplyRequest, now: datetime) -> None:
    """Does all of it and takes it back: an empty required field or a macro that does not fit is refused now, not when
    nobody looks any more."""
    announced = dict(session.enqueued)
    point = session.connection.begin_nested()
    try:
        reply_now(session, ticket, actor, answer, now)
    finally:
        point.rollback()
        session.enqueued = announced


def scheduled_of_ticket(session: Session, ticket_id: int) -> list[ScheduledReply]:
    query = sa.select(scheduled_replies).where(_c.ticket_id == ticket_id).order_by(_c.send_at, _c.id)
    return [_waiting(row._mapping) for row in session.execute(query)]


def cancel(session: Session, ticket: Ticket, number: int, actor: Actor, now: datetime) -> Ticket:
    """Cancels the reply: its text becomes a draft of whoever cancelled it."""
    reply = _delete_row(session, number, ticket.id)
    if reply is None:
        raise NotAllowed("that reply was sent already, or taken back")
    if actor.id is not None:
        drafts.add_returned(session, ticket.id, actor.id, reply.answer.text, now, reply.answer.files)
    return tickets.save(session, tickets_scheduled_replies.take_back(ticket, actor, now))


JOB = "send_scheduled"


def due_replies(session: Session, now: datetime, most: int = 20) -> list[tuple[int, int]]:
    """Ids and tickets of due replies, in the order in which their tickets must be locked."""
    where = (_c.send_at <= now, failures.ready_condition(JOB, _c.id, now))
    query = sa.select(_c.id, _c.ticket_id).where(*where).order_by(_c.send_at, _c.id).limit(most)
    rows = [(int(row.id), int(row.ticket_id)) for row in session.execute(query)]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def send_due(session: Session, number: int, ticket_id: int, now: datetime) -> bool:
    """Sends it now; False if another process did, or it was cancelled."""
    ticket = tickets.get(session, ticket_id, lock=True)
    reply = _delete_row(session, number, ticket_id)
    if reply is None or ticket is None:
        return False
    agent = people.by_ids(session, [reply.agent_id]).get(reply.agent_id)
    actor = Actor(ActorKind.AGENT, reply.agent_id, (agent.name or agent.address) if agent else "")
    try:
        _refuse(session, ticket, reply, agent, now)
        with session.savepoint():
            reply_now(session, ticket, actor, reply.answer, now)
    except NotAllowed as error:
        _return_as_draft(session, ticket_id, actor, reply, now, str(error))
    return True


def last_public_message(session: Session, ticket_id: int) -> int:
    """The last message that the requester knows or wrote."""
    where = (messages.c.ticket_id == ticket_id, messages.c.kind == str(MessageKind.REPLY), messages.c.side_id.is_(None))
    return int(session.execute(sa.select(sa.func.coalesce(sa.func.max(messages.c.id), 0)).where(*where)).scalar_one())


def undo_time(seconds: int) -> timedelta:
    return timedelta(seconds=min(seconds, tickets_scheduled_replies.LONGEST_UNDO))


def _delete_row(session: Session, number: int, ticket_id: int) -> ScheduledReply | None:
    """The process that deletes the row sends the reply; no other."""
    where = (_c.id == number, _c.ticket_id == ticket_id)
    row = session.execute(sa.delete(scheduled_replies).where(*where).returning(*scheduled_replies.c)).first()
    return _waiting(row._mapping) if row else None


def _refuse(session: Session, ticket: Ticket, reply: ScheduledReply, agent: Person | None, now: datetime) -> None:
    if agent is None or not agent.active:
        raise NotAllowed("its author is no active agent any more")
    if why := permissions.refused(agent.role, [Verb.REPLY]):
        raise NotAllowed(why)
    viewer = visibility.viewer_of(session, agent.id, agent.name, agent.role, now)
    if not viewer.sees(ticket.id, ticket.team_id):
        raise NotAllowed("its author is not in the private team of this ticket")
    if ticket.merged_into is not None:
        raise NotAllowed(f"the ticket was merged into #{ticket.merged_into}")
    if reply.answer.seen is not None and last_public_message(session, ticket.id) > reply.answer.seen:
        raise NotAllowed("the conversation went on since it was written")


def _return_as_draft(
    session: Session, ticket_id: int, actor: Actor, reply: ScheduledReply, now: datetime, why: str
) -> None:
    ticket = tickets.merge_target(session, ticket_id, lock=True)
    if ticket is None or actor.id is None:
        return
    drafts.add_returned(session, ticket.id, actor.id, reply.answer.text, now, reply.answer.files)
    tickets.save(session, tickets_scheduled_replies.give_back(ticket, actor, now, why))


def _waiting(row: Mapping[str, object] | sa.RowMapping) -> ScheduledReply:
    values = dict(row)
    content = values.pop("content")
    assert isinstance(content, Mapping)
    return ScheduledReply(**values, answer=ReplyRequest.from_json(content))
