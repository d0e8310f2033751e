"""Links between tickets, parents and children, and what is resolved with a parent.

Each change is an event on both tickets. A caller that may not see a ticket gets it as not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.tickets import fields, properties, transitions
from desk.tickets.events import EventKind
from desk.tickets.ticket import DONE, Actor, Change, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.tables.tickets import links
from storage.tables.tickets import tickets as table
from storage.tickets import tickets
from usecases.tickets import custom_fields

KINDS = ("relates", "duplicates", "blocks")
"""Links that people make; other kinds (merged, split, follow-up, repeat, named, named-by) follow from what happened."""
_WORDS = {
    ("relates", True): "relates to",
    ("relates", False): "relates to",
    ("duplicates", True): "duplicates",
    ("duplicates", False): "is duplicated by",
    ("blocks", True): "blocks",
    ("blocks", False): "is blocked by",
    ("merged", True): "merged into",
    ("merged", False): "has merged into it",
    ("split", True): "split off",
    ("split", False): "was split into",
    ("follow-up", True): "follows up",
    ("follow-up", False): "is followed up by",
    ("repeat", True): "says the same as",
    ("repeat", False): "says the same as",
    ("named", True): "names",
    ("named", False): "is named by",
    ("named-by", True): "is named by",
    ("named-by", False): "names",
}


@dataclass(frozen=True, slots=True)
class Link:
    """`outward`: it was made from this ticket to the other."""

    other: Ticket
    kind: str
    outward: bool

    @property
    def words(self) -> str:
        return _WORDS.get((self.kind, self.outward), self.kind)


def links_of(session: Session, ticket_id: int) -> list[Link]:
    """All links of a ticket, as it sees them."""
    where = (links.c.ticket_id == ticket_id) | (links.c.other_id == ticket_id)
    rows = list(session.execute(sa.select(links).where(where).order_by(links.c.ticket_id, links.c.other_id)))
    others = tickets.get_many(session, {row.other_id if row.ticket_id == ticket_id else row.ticket_id for row in rows})
    all_links = []
    for row in rows:
        outward = row.ticket_id == ticket_id
        other = others.get(row.other_id if outward else row.ticket_id)
        all_links += [Link(other, row.kind, outward)] if other else []
    return all_links


def link(session: Session, ticket_id: int, other_id: int, kind: str, actor: Actor, at: datetime) -> Ticket:
    """Links two tickets; an existing link is no change."""
    if kind not in KINDS:
        raise NotAllowed(f"{kind!r} is no kind of link; there are {', '.join(KINDS)}")
    if ticket_id == other_id:
        raise NotAllowed("a ticket is not linked with itself")
    ticket, other = _both(session, ticket_id, other_id)
    if any(existing.other.id == other_id and existing.kind == kind for existing in links_of(session, ticket_id)):
        return ticket
    tickets.link(session, ticket_id, other_id, kind)
    return _save_on_both(session, ticket, other, _LinkChange(EventKind.LINKED, kind, actor, at))


def unlink(session: Session, ticket_id: int, other_id: int, kind: str, actor: Actor, at: datetime) -> Ticket:
    """Removes a link that people made, from either side."""
    ticket, other = _both(session, ticket_id, other_id)
    pairs = ((ticket_id, other_id), (other_id, ticket_id))
    where = (sa.tuple_(links.c.ticket_id, links.c.other_id).in_(pairs), links.c.kind == kind)
    if kind not in KINDS or session.execute(sa.delete(links).where(*where)).rowcount == 0:
        raise NotAllowed(f"there is no such link between #{ticket_id} and #{other_id}")
    return _save_on_both(session, ticket, other, _LinkChange(EventKind.UNLINKED, kind, actor, at))


def set_parent(session: Session, ticket_id: int, parent_id: int | None, actor: Actor, at: datetime) -> Ticket:
    """Makes the ticket a child of that one, or of none. There are two generations: a child has no children."""
    locked = tickets.get_many(session, {ticket_id, parent_id or ticket_id}, lock=True)
    ticket, parent = _ticket_or_refuse(locked, ticket_id), _ticket_or_refuse(locked, parent_id) if parent_id else None
    check_parent(session, ticket, parent)
    return tickets.save(session, properties.set_parent(ticket, parent, actor, at))


def check_parent(session: Session, ticket: Ticket, parent: Ticket | None) -> None:
    if parent is not None and parent.merged_into is not None:
        raise NotAllowed(f"#{parent.id} was merged into #{parent.merged_into}")
    if parent is not None and children(session, ticket.id):
        raise NotAllowed(f"#{ticket.id} has children itself, so it cannot be a child")


def children(session: Session, parent_id: int, *, lock: bool = False) -> list[Ticket]:
    ids = session.execute(sa.select(table.c.id).where(table.c.parent_id == parent_id)).scalars()
    return list(tickets.get_many(session, ids, lock=lock).values())


def resolve_children(session: Session, parent: Ticket, actor: Actor, at: datetime) -> list[Ticket]:
    """Those children that are still open are resolved with their parent; returns them. Who lacks a required field
    stays open, and its history says so."""
    why = f"resolved with its parent #{parent.id}"
    open_ones = [child for child in children(session, parent.id, lock=True) if child.status not in DONE]
    custom = custom_fields.list_all(session) if open_ones else []
    unready = {child.id: empty for child in open_ones if (empty := fields.missing(custom, child))}
    for child in open_ones:
        if child.id in unready:
            tickets.save(
                session, properties.not_resolved(child, actor, at, f"{why}: {fields.Unfilled(unready[child.id])}")
            )
    ready = [child for child in open_ones if child.id not in unready]
    return [tickets.save(session, transitions.resolve(child, actor, at, why)) for child in ready]


def _both(session: Session, ticket_id: int, other_id: int) -> tuple[Ticket, Ticket]:
    locked = tickets.get_many(session, [ticket_id, other_id], lock=True)
    return _ticket_or_refuse(locked, ticket_id), _ticket_or_refuse(locked, other_id)


def _ticket_or_refuse(locked: dict[int, Ticket], number: int) -> Ticket:
    if number not in locked:
        raise NotAllowed(f"there is no ticket #{number}")
    return locked[number]


@dataclass(frozen=True, slots=True)
class _LinkChange:
    """A link of two tickets was made or removed."""

    kind: EventKind
    link_kind: str
    actor: Actor
    at: datetime


def _save_on_both(session: Session, first: Ticket, other: Ticket, change: _LinkChange) -> Ticket:
    """An event on both; where a link went is its `before`, where it goes its `after`."""
    saved = first
    for ticket, named in ((first, other), (other, first)):
        outward = ticket is first
        before, after = ("", str(named.id)) if change.kind == EventKind.LINKED else (str(named.id), "")
        event = Event(ticket.id, change.at, change.kind, change.actor, before, after, _WORDS[change.link_kind, outward])
        stored = tickets.save(session, Change(ticket, (event,)))
        saved = stored if outward else saved
    return saved
