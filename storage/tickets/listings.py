"""The console's lists: tickets with the names around them, requests that were set aside, captured mail.

Every list is paged by id, newest first. A page reads one row more than it shows, to know whether there are more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import read_counts
from storage.mail import inbound as ledger
from storage.tables.tickets import inbound, outbound, people, predictions, teams, tickets
from storage.tickets.list_filter import TicketFilter, list_conditions, order_by

_RECENT = 2000


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
        .where(*list_conditions(session, ticket_filter, before))
    )
    rows = session.execute(query.order_by(*order_by(ticket_filter.order)).limit(most))
    return [TicketRow(**row._mapping) for row in rows]


def ticket_ids(session: Session, ticket_filter: TicketFilter, *, before: int | None, most: int) -> list[int]:
    """The ids of those tickets alone, in the filter's order."""
    query = sa.select(tickets.c.id).where(*list_conditions(session, ticket_filter, before))
    return list(session.execute(query.order_by(*order_by(ticket_filter.order)).limit(most)).scalars())


def count_tickets(session: Session, ticket_filter: TicketFilter, most: int) -> int:
    """How many tickets there are, counted up to `most`."""
    some = sa.select(tickets.c.id).where(*list_conditions(session, ticket_filter, None)).limit(most).subquery()
    return int(session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


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
