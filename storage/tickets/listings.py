"""The console's lists: tickets with the names around them, requests that were set aside, captured mail.

Every list is paged by id, newest first. A page reads one row more than it shows, to know whether there are more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.tickets.ticket import Status
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import read_counts
from storage.mail import inbound as ledger
from storage.people.addresses import canonical
from storage.tables.tickets import inbound, outbound, people, predictions, teams, tickets
from storage.tickets import full_text

MOST_FOUND = 500
"""A search looks at so many tickets at most."""
_NUMBER_IN_SUBJECT = re.compile(r"\[#([0-9]{1,18})\]")
NOBODY = 0
_RECENT = 2000


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets: empty or None means all. `assignee` NOBODY finds those without an owner."""

    statuses: tuple[Status, ...] = ()
    words: str = ""
    assignee: int | None = None
    team: int | None = None
    category: str = ""
    priority: str = ""
    snoozed: bool | None = None
    by_due: bool = False
    """Those with a due time, the soonest first, instead of all, the newest first."""
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One line of the ticket list."""

    id: int
    subject: str
    status: str
    priority: str
    category: str | None
    probability: float | None
    outcome: str | None
    requester: str
    requester_name: str
    team: str | None
    assignee: str | None
    assignee_id: int | None
    channel: str
    tags: Sequence[str]
    version: int
    snoozed_until: datetime | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None = None
    undelivered_at: datetime | None = None


def ticket_rows(session: Session, ticket_filter: TicketFilter, *, before: int | None, most: int) -> list[TicketRow]:
    """Up to `most` tickets that come after the one with the id `before`."""
    owner = people.alias("owner")
    query = (
        sa.select(
            *(tickets.c[name] for name in ("id", "subject", "status", "priority", "category", "channel", "tags")),
            *(tickets.c[name] for name in ("version", "snoozed_until")),
            *(tickets.c[name] for name in ("created_at", "updated_at", "assignee_id", "due_at", "undelivered_at")),
            predictions.c.probability,
            predictions.c.outcome,
            people.c.address.label("requester"),
            people.c.name.label("requester_name"),
            teams.c.name.label("team"),
            sa.func.coalesce(sa.func.nullif(owner.c.name, ""), owner.c.address).label("assignee"),
        )
        .join(people, people.c.id == tickets.c.requester_id)
        .outerjoin(teams, teams.c.id == tickets.c.team_id)
        .outerjoin(owner, owner.c.id == tickets.c.assignee_id)
        .outerjoin(predictions, predictions.c.ticket_id == tickets.c.id)
        .where(*visibility.ticket_condition(session), *_conditions(session, ticket_filter, before))
    )
    order = (tickets.c.due_at, tickets.c.id) if ticket_filter.by_due else (tickets.c.id.desc(),)
    rows = session.execute(query.order_by(*order).limit(most))
    return [TicketRow(**row._mapping) for row in rows]


def ticket_ids(session: Session, ticket_filter: TicketFilter, *, before: int | None, most: int) -> list[int]:
    """The ids of those tickets alone, the newest first."""
    where = (*visibility.ticket_condition(session), *_conditions(session, ticket_filter, before))
    return list(
        session.execute(sa.select(tickets.c.id).where(*where).order_by(tickets.c.id.desc()).limit(most)).scalars()
    )


def status_counts(session: Session) -> dict[str, int]:
    """How many tickets have each status."""
    query = sa.select(tickets.c.status, sa.func.count()).where(*visibility.ticket_condition(session))
    return read_counts(session, query.group_by(tickets.c.status))


def snoozed_counts(session: Session) -> dict[str, int]:
    """How many tickets of each status are snoozed."""
    where = (tickets.c.snoozed_until.is_not(None), *visibility.ticket_condition(session))
    # Counted here: asked to group, SQLite walks all tickets by status instead of the few by the index of the snoozed.
    return Counter(session.execute(sa.select(tickets.c.status).where(*where)).scalars())


def known_categories(session: Session) -> list[str]:
    """The categories of the newest tickets and guesses, in alphabetical order."""
    names: set[str] = set()
    for table, key in ((tickets, tickets.c.id), (predictions, predictions.c.ticket_id)):
        visible = visibility.ticket_id_condition(session, key)
        newest = sa.select(table.c.category).where(*visible).order_by(key.desc()).limit(_RECENT).subquery()
        names.update(session.execute(sa.select(newest.c.category).distinct()).scalars())
    return sorted(name for name in names if name)


def list_set_aside(session: Session, states: Sequence[str], *, before: int | None, most: int) -> list[dict[str, Any]]:
    """Inbound rows in those states, without their content."""
    columns = [column for column in inbound.c if column.name != "request"]
    where = [inbound.c.state.in_(list(states)), *ledger.visible_condition(session)]
    return _page(session, sa.select(*columns), inbound.c.id, where, before, most)


def list_captured(session: Session, *, before: int | None, most: int) -> list[dict[str, Any]]:
    """Mails that were captured because there is no relay."""
    where = [outbound.c.state == "caught", *visibility.ticket_id_condition(session, outbound.c.ticket_id)]
    return _page(session, sa.select(outbound), outbound.c.id, where, before, most)


def _conditions(session: Session, ticket_filter: TicketFilter, before: int | None) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if ticket_filter.by_due:
        where += _due(session, ticket_filter, before)
    elif before is not None:
        where.append(tickets.c.id < before)
    if ticket_filter.snoozed is not None:
        asleep = tickets.c.snoozed_until
        where.append(asleep.is_not(None) if ticket_filter.snoozed else asleep.is_(None))
    if ticket_filter.statuses:
        where.append(tickets.c.status.in_([str(status) for status in ticket_filter.statuses]))
    if ticket_filter.assignee is not None:
        nobody = ticket_filter.assignee == NOBODY
        where.append(tickets.c.assignee_id.is_(None) if nobody else tickets.c.assignee_id == ticket_filter.assignee)
    if ticket_filter.team is not None:
        where.append(tickets.c.team_id == ticket_filter.team)
    for name in ("category", "priority"):
        if getattr(ticket_filter, name):
            where.append(tickets.c[name] == getattr(ticket_filter, name))
    if ticket_filter.words.strip():
        where.append(_matching_words(session, ticket_filter.words.strip()))
    return where


def _due(session: Session, ticket_filter: TicketFilter, before: int | None) -> list[sa.ColumnElement[bool]]:
    """The condition by due time.

    A page continues after the due time and number of the last ticket of the page before.
    """
    c = tickets.c
    where: list[sa.ColumnElement[bool]] = [c.due_at.is_not(None)]
    if ticket_filter.due_before is not None:
        where.append(c.due_at <= ticket_filter.due_before)
    last = session.execute(sa.select(c.due_at).where(c.id == before)).scalar() if before is not None else None
    if last is not None:
        where.append((c.due_at > last) | ((c.due_at == last) & (c.id > before)))
    return where


def _matching_words(session: Session, words: str) -> sa.ColumnElement[bool]:
    """`#7` or a `[#7]` anywhere is that ticket, somebody's whole address all of theirs; else words, names and parts of
    addresses are looked for, and a mere number may be either."""
    number = words.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    if is_number and words.startswith("#"):
        return tickets.c.id == int(number)
    if in_subject := _NUMBER_IN_SUBJECT.search(words):
        return tickets.c.id == int(in_subject[1])
    if "@" in words and " " not in words:
        whose = session.execute(sa.select(people.c.id).where(people.c.address == canonical(words)[:320])).scalar()
        if whose is not None:
            return tickets.c.requester_id.in_([whose])
    hits = tickets.c.id.in_(full_text.find_tickets(session, words, MOST_FOUND))
    return hits | (tickets.c.id == int(number)) if is_number else hits


def _page(
    session: Session,
    query: sa.Select[Any],
    key: sa.Column[int],
    where: Sequence[sa.ColumnElement[bool]],
    before: int | None,
    most: int,
) -> list[dict[str, Any]]:
    if before is not None:
        where = [*where, key < before]
    return [dict(row._mapping) for row in session.execute(query.where(*where).order_by(key.desc()).limit(most))]
