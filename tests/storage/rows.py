"""Rows that nothing but the tests reads whole."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from desk.reports.ticket_figures import Facts
from storage.db.session import Session
from storage.mail.external_references import Key
from storage.tables.learning import corrections, foreign_numbers, suggestion_uses
from storage.tables.reports import ticket_facts


def facts_by_ticket(session: Session) -> dict[int, Facts]:
    """The figures of every ticket."""
    columns = [column for column in ticket_facts.c if column.name != "last_event_id"]
    return {row.ticket_id: Facts(**row._mapping) for row in session.execute(sa.select(*columns))}


def corrections_of_ticket(session: Session, ticket_id: int) -> list[dict[str, Any]]:
    """The corrections of one ticket, oldest first."""
    query = sa.select(corrections).where(corrections.c.ticket_id == ticket_id).order_by(corrections.c.id)
    return [dict(row._mapping) for row in session.execute(query)]


def suggestion_outcomes(session: Session, kind: str) -> dict[str, int]:
    """How often each outcome happened to suggestions of this kind."""
    columns = (suggestion_uses.c.outcome, sa.func.count())
    query = sa.select(*columns).where(suggestion_uses.c.kind == kind).group_by(suggestion_uses.c.outcome)
    return {row[0]: row[1] for row in session.execute(query)}


def references_of_ticket(session: Session, ticket_id: int) -> list[Key]:
    """The other desks' numbers that stand for this ticket, the first one first."""
    c = foreign_numbers.c
    query = sa.select(c.number, c.domain).where(c.ticket_id == ticket_id).order_by(c.first_seen_at, c.number)
    return [(row.number, row.domain) for row in session.execute(query)]
