"""Which tickets a list shows, and in which order: the filter as conditions, the order as keys.

A list is paged by its last ticket: the next page begins after that ticket's keys, as they are then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from desk.priority.levels import Priority
from desk.tickets.ticket import Status
from storage.access import visibility
from storage.db.session import Session
from storage.people.addresses import canonical
from storage.tables.people import drafts, watchers
from storage.tables.tickets import people, tickets
from storage.tickets import full_text

MOST_FOUND = 500
"""A search looks at so many tickets at most."""
NOBODY = 0
_NUMBER_IN_SUBJECT = re.compile(r"\[#([0-9]{1,18})\]")
_c = tickets.c
_RANKS = {str(priority): rank for rank, priority in enumerate(Priority)}


class Order(StrEnum):
    """How a list is sorted."""

    NEWEST = "newest"
    ACTIVITY = "activity"
    WAITING = "waiting"
    DUE = "due"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets, and in which order: empty or None means all. `assignee` NOBODY finds those without an owner.

    In the order DUE there are only tickets that have a due time.
    """

    statuses: tuple[Status, ...] = ()
    words: str = ""
    assignee: int | None = None
    team: int | None = None
    teams: tuple[int, ...] | None = None
    category: str = ""
    priority: str = ""
    snoozed: bool | None = None
    due_before: datetime | None = None
    watched_by: int | None = None
    drafted_by: int | None = None
    ids: tuple[int, ...] | None = None
    order: Order = Order.NEWEST


def list_conditions(session: Session, ticket_filter: TicketFilter, before: int | None) -> list[sa.ColumnElement[bool]]:
    """The conditions of the filter for tickets that the viewer may see, from after the ticket `before` on."""
    where = [*visibility.ticket_condition(session), *_conditions(session, ticket_filter)]
    if ticket_filter.order is Order.DUE:
        where.append(_c.due_at.is_not(None))
    return where + _after(session, ticket_filter.order, before)


def order_by(order: Order) -> list[sa.ColumnElement[object]]:
    """The keys of the order, each with its direction."""
    keys, descending = _keys(order)
    return [key.desc() if descending else key.asc() for key in keys]


def _keys(order: Order) -> tuple[list[sa.ColumnElement[object]], bool]:
    """The keys of an order, and whether all of them descend."""
    match order:
        case Order.ACTIVITY:
            return [_c.updated_at, _c.id], True
        case Order.WAITING:
            return [_c.updated_at, _c.id], False
        case Order.DUE:
            return [_c.due_at, _c.id], False
        case Order.PRIORITY:
            return [sa.case(_RANKS, value=_c.priority, else_=len(_RANKS)), _c.updated_at, _c.id], False
        case _:
            return [_c.id], True


def _after(session: Session, order: Order, before: int | None) -> list[sa.ColumnElement[bool]]:
    if before is None:
        return []
    keys, descending = _keys(order)
    if order is Order.NEWEST:
        return [_c.id < before]
    last = session.execute(sa.select(*keys).where(_c.id == before)).first()
    if last is None or None in last:
        return []
    # Written out key by key, because SQLite uses no index for a comparison of rows with a computed key.
    steps = []
    for place, key in enumerate(keys):
        value = sa.literal(last[place], key.type)
        equal = [other == sa.literal(last[n], other.type) for n, other in enumerate(keys[:place])]
        steps.append(sa.and_(*equal, key < value if descending else key > value))
    return [sa.or_(*steps)]


def _conditions(session: Session, ticket_filter: TicketFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if ticket_filter.snoozed is not None:
        asleep = _c.snoozed_until
        where.append(asleep.is_not(None) if ticket_filter.snoozed else asleep.is_(None))
    if ticket_filter.statuses:
        where.append(_c.status.in_([str(status) for status in ticket_filter.statuses]))
    if ticket_filter.due_before is not None:
        where.append(_c.due_at <= ticket_filter.due_before)
    for name in ("category", "priority"):
        if getattr(ticket_filter, name):
            where.append(_c[name] == getattr(ticket_filter, name))
    where += _of_people(ticket_filter)
    if ticket_filter.ids is not None:
        where.append(_c.id.in_(ticket_filter.ids))
    if ticket_filter.words.strip():
        where.append(_matching_words(session, ticket_filter.words.strip()))
    return where


def _of_people(ticket_filter: TicketFilter) -> list[sa.ColumnElement[bool]]:
    """Whose tickets: the owner's, a team's, those that an agent watches or has a draft on."""
    where: list[sa.ColumnElement[bool]] = []
    if ticket_filter.assignee is not None:
        nobody = ticket_filter.assignee == NOBODY
        where.append(_c.assignee_id.is_(None) if nobody else _c.assignee_id == ticket_filter.assignee)
    if ticket_filter.team is not None:
        where.append(_c.team_id == ticket_filter.team)
    if ticket_filter.teams is not None:
        where.append(_c.team_id.in_(ticket_filter.teams))
    for agent_id, table in ((ticket_filter.watched_by, watchers), (ticket_filter.drafted_by, drafts)):
        if agent_id is not None:
            where.append(_c.id.in_(sa.select(table.c.ticket_id).where(table.c.agent_id == agent_id)))
    return where


def _matching_words(session: Session, words: str) -> sa.ColumnElement[bool]:
    """`#7` or a `[#7]` anywhere is that ticket, somebody's whole address all of theirs; else words, names and parts of
    addresses are looked for, and a mere number may be either."""
    number = words.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    if is_number and words.startswith("#"):
        return _c.id == int(number)
    if in_subject := _NUMBER_IN_SUBJECT.search(words):
        return _c.id == int(in_subject[1])
    if "@" in words and " " not in words:
        whose = session.execute(sa.select(people.c.id).where(people.c.address == canonical(words)[:320])).scalar()
        if whose is not None:
            return _c.requester_id.in_([whose])
    hits = _c.id.in_(full_text.find_tickets(session, words, MOST_FOUND))
    return hits | (_c.id == int(number)) if is_number else hits
