"""What a requester sees in the portal: which tickets, and of each only the public conversation.

Pages get narrow rows (`PublicMessage`, `ListedRequest`), so that none can show by mistake notes, side conversations,
others' automatic mail or addresses. Who sees which ticket: `desk/access/visibility.py`. A requester whose ticket was
merged into somebody else's sees there what was theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.access.visibility import requester_sees
from desk.mail.trust import MessageTrust
from desk.portal import status_links
from desk.tickets import properties, transitions
from desk.tickets.event_data import Merge
from desk.tickets.events import EventKind
from desk.tickets.participants import COPIED, Participation
from desk.tickets.ticket import DONE, Actor, ActorKind, MessageKind, NotAllowed, Status, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.tables.desk import organisations
from storage.tables.tickets import messages, people, teams
from storage.tables.tickets import tickets as ticket_rows
from storage.tickets import tickets
from usecases.tickets import custom_fields, resolution

PER_PAGE = 100
PER_LIST = 50
Conditions = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Requester:
    """A person in the portal. `shares`: their organisation lets its people see each other's tickets."""

    id: int
    address: str
    name: str
    language: str
    link_version: int
    organisation_id: int | None
    organisation: str
    shares: bool

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.REQUESTER, self.id, self.name or self.address)


@dataclass(frozen=True, slots=True)
class MergedPart:
    """The part of a ticket that their own was merged into: these messages, and later answers if they get copies."""

    moved: frozenset[int]
    since: datetime
    copied: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket as one person sees it. `asked` and `subject` are the number and the words that they know; `answers`:
    what they write is appended; `owns`: they say whether it is solved, and how it went."""

    person: Requester
    ticket: Ticket
    asked: int
    subject: str
    owns: bool
    answers: bool
    part: MergedPart | None = None


@dataclass(frozen=True, slots=True)
class PublicMessage:
    """One public message. `who` is "you", "desk", "requester" or "other"; a name that is an address is left out."""

    id: int
    at: datetime
    who: str
    name: str
    text: str
    files: tuple[Mapping[str, Any], ...]
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """One line of a person's list."""

    id: int
    subject: str
    status: Status
    requester: str
    created_at: datetime
    last_at: datetime


def requester(session: Session, person_id: int) -> Requester | None:
    """The person; None for one who was erased."""
    c, o = people.c, organisations.c
    joined = people.outerjoin(organisations, o.id == c.organisation_id)
    shown = (o.name.label("organisation"), sa.func.coalesce(o.shared, sa.false()).label("shares"))
    query = sa.select(c.id, c.address, c.name, c.language, c.link_version, c.organisation_id, *shown)
    row = session.execute(query.select_from(joined).where(c.id == person_id, c.erased_at.is_(None))).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return Requester(**values | {"organisation": row.organisation or "", "shares": bool(row.shares)})


def view_ticket(session: Session, person: Requester, ticket_id: int) -> TicketView | None:
    """What they see under that number; None if it is nothing."""
    first, last = tickets.get(session, ticket_id), tickets.merge_target(session, ticket_id)
    if first is None or last is None or not _may_see(session, person, first):
        return None
    owns = last.requester_id == person.id
    if owns or (first.id == last.id) or _may_see(session, person, last):
        takes_part = owns or first.requester_id == person.id
        return TicketView(person, last, ticket_id, last.subject, owns, takes_part)
    if first.requester_id != person.id:
        return None
    return TicketView(person, last, ticket_id, first.subject, False, True, _merged_part(session, person, first, last))


def conversation(session: Session, view: TicketView, *, before: int | None = None) -> list[PublicMessage]:
    """The newest PER_PAGE of the public messages below that id, oldest first; one more, if there is one before them."""
    where = [*_public(view), *([messages.c.id < before] if before is not None else [])]
    query = sa.select(messages).where(*where).order_by(messages.c.id.desc()).limit(PER_PAGE + 1)
    return [_public_message(row._mapping, view) for row in reversed(session.execute(query).all())]


def file(session: Session, view: TicketView, message_id: int, place: int) -> Mapping[str, Any] | None:
    """A file of a message that they may see, by its position."""
    columns = (messages.c.attachments, messages.c.trust)
    row = session.execute(sa.select(*columns).where(messages.c.id == message_id, *_public(view))).first()
    there = row is not None and place < len(row.attachments) and not MessageTrust.from_json(row.trust).withdrawn
    return row.attachments[place] if row and there else None


def agent_and_team(session: Session, ticket: Ticket) -> tuple[str, str]:
    """The names of the agent and the team, as requesters may read them."""
    agent = session.execute(sa.select(people.c.name).where(people.c.id == ticket.assignee_id)).scalar() or ""
    team = session.execute(sa.select(teams.c.name).where(teams.c.id == ticket.team_id)).scalar() or ""
    return _display(agent), _display(team)


def visible_fields(session: Session, view: TicketView) -> list[tuple[str, str]]:
    """Label and value of the fields that requesters see."""
    if view.part is not None:
        return []
    values = view.ticket.fields
    shown = [
        field
        for field in custom_fields.list_all(session)
        if field.public and values.get(field.name) not in (None, "", False)
    ]
    return [(field.title, "✓" if values[field.name] is True else str(values[field.name])) for field in shown]


def list_requests(
    session: Session, person: Requester, *, organisation: bool, before: int | None = None
) -> list[ListedRequest]:
    """Their own requests, or all of their organisation's that it shares; the newest first."""
    c = ticket_rows.c
    if organisation and not person.shares:
        return []
    where = [c.requester_id == person.id, ~_joined_with_own(person)]
    if organisation:
        where = [
            c.organisation_id == person.organisation_id,
            c.merged_into.is_(None),
            visibility.public_condition(c.team_id),
        ]
    where += [c.id < before] if before is not None else []
    columns = [c.id, c.subject, c.status, c.merged_into, c.created_at, people.c.name]
    joined = ticket_rows.join(people, people.c.id == c.requester_id)
    query = sa.select(*columns).select_from(joined).where(*where).order_by(c.id.desc()).limit(PER_LIST + 1)
    rows = session.execute(query).all()
    last = _last_message_at(session, [row.id for row in rows])
    return [_line(session, row, last.get(row.id, row.created_at)) for row in rows]


def solve(session: Session, view: TicketView, at: datetime) -> Ticket:
    """The requester marks it as solved, whatever required fields are empty. Raises NotAllowed."""
    ticket = tickets.get(session, view.ticket.id, lock=True)
    if ticket is None or ticket.requester_id != view.person.id:
        raise NotAllowed("only the requester can say that")
    if ticket.status in DONE:
        raise NotAllowed("it is solved already")
    words = resolution.resolution_from_replies(session, ticket)
    change = properties.set_resolution(ticket, words, view.person.actor, at, "the last reply")
    return tickets.save(
        session, change.then(transitions.resolve(change.ticket, view.person.actor, at, "the requester says so"))
    )


def has_requests(session: Session, person: Requester) -> bool:
    """Whether they have any ticket to see."""
    own = sa.select(ticket_rows.c.id).where(ticket_rows.c.requester_id == person.id).limit(1)
    return person.shares or session.execute(own).first() is not None


def _may_see(session: Session, person: Requester, ticket: Ticket) -> bool:
    shared = (person.organisation_id,) if person.shares and person.organisation_id is not None else ()
    private = ticket.team_id in visibility.private_teams(session)
    return requester_sees(
        person.id, person.organisation_id, shared, ticket.requester_id, ticket.organisation_id, private=private
    )


def _merged_part(session: Session, person: Requester, first: Ticket, last: Ticket) -> MergedPart:
    """By the histories of the merges that led from their ticket to the one that is left."""
    moved_ids: frozenset[int] | None = None
    since, here = first.created_at, first
    while here.id != last.id:
        merge = [event for event in tickets.history(session, here.id) if event.kind == EventKind.MERGED_INTO][-1]
        moved_ids = frozenset(merge.data_as(Merge).messages or ()) if moved_ids is None else moved_ids
        since = merge.at
        there = tickets.get(session, here.merged_into or 0)
        if there is None:
            break
        here = there
    role = tickets.participants_of(session, [last.id])[last.id].get(person.address, "")
    return MergedPart(moved_ids or frozenset(), since, role == Participation.REQUESTER or role in COPIED)


def _public(view: TicketView) -> Conditions:
    c, part = messages.c, view.part
    by_them = sa.and_(c.author_kind == str(ActorKind.REQUESTER), c.author_id == view.person.id)
    automatic = sa.and_(c.kind == str(MessageKind.AUTOMATIC), by_them)
    where = [c.ticket_id == view.ticket.id, c.side_id.is_(None), (c.kind == str(MessageKind.REPLY)) | automatic]
    if part is None:
        return where
    own = sa.or_(c.id.in_(sorted(part.moved)), by_them)
    answers = sa.and_(c.author_kind == str(ActorKind.AGENT), c.created_at > part.since)
    return [*where, sa.or_(own, answers) if part.copied else own]


def _public_message(row: sa.RowMapping, view: TicketView) -> PublicMessage:
    roles = {view.ticket.requester_id: "requester", view.person.id: "you"}
    by_desk = row["author_kind"] != str(ActorKind.REQUESTER)
    who = "desk" if by_desk else roles.get(row["author_id"], "other")
    files = tuple({name: file.get(name) for name in ("name", "size", "media_type")} for file in row["attachments"])
    # Below an agent's words their mail quotes the desk's notice, with what is the desk's own.
    text = (row["reply"] if by_desk else row["reply"] or row["text"]).strip("\n").rstrip()
    text = text if who == "you" else status_links.hidden(text)
    # An emptied row says nothing of where it came from either.
    withdrawn = not (text or files or row["content_hash"] or row["external_id"]) and row["inbound"]
    if MessageTrust.from_json(row["trust"]).withdrawn:
        text, files, withdrawn = "", (), True
    return PublicMessage(row["id"], row["created_at"], who, _display(row["author_name"]), text, files, withdrawn)


def _display(name: str) -> str:
    """The name, unless it is an address."""
    return "" if "@" in name else name


def _joined_with_own(person: Requester) -> sa.ColumnElement[bool]:
    """Whether a ticket was merged into another one of theirs, which is in the list itself."""
    target = ticket_rows.alias("kept")
    return sa.exists().where(target.c.id == ticket_rows.c.merged_into, target.c.requester_id == person.id)


def _line(session: Session, row: sa.Row[Any], last_at: datetime) -> ListedRequest:
    target = tickets.merge_target(session, row.merged_into) if row.merged_into else None
    status = target.status if target else Status(row.status)
    return ListedRequest(row.id, row.subject, status, _display(row.name), row.created_at, last_at)


def _last_message_at(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """The time of each ticket's newest public message; other changes are internal."""
    c = messages.c
    where = (c.ticket_id.in_(list(ids)), c.kind == str(MessageKind.REPLY), c.side_id.is_(None))
    query = sa.select(c.ticket_id, sa.func.max(c.created_at).label("at")).where(*where).group_by(c.ticket_id)
    return {row.ticket_id: row.at for row in session.execute(query)}
