"""The temporary store of a replay: copies the desk's settings into it, and reads what became of each mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.desk import calendars, routing_rules
from storage.tables.learning import categories, keyword_rules, models
from storage.tables.tickets import (
    agents,
    inbound,
    mailboxes,
    memberships,
    messages,
    people,
    predictions,
    teams,
    tickets,
)

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended. `signal` says what decided its thread, `category` is the ticket's if this opened it."""

    inbound_id: int
    raw: str
    state: str
    reason: str
    repeats: int
    ticket_id: int | None
    kind: str | None
    signal: str | None
    subject: str | None
    category: str | None
    probability: float | None
    outcome: str | None


def copy_setup(source: Session, target: Session) -> None:
    """Teams, mailboxes and agents under the same numbers, so that signed addresses mean the same people; and what the
    desk has learned: which model is active, its categories and keyword rules; and how it routes."""
    known_agents = sa.select(agents.c.id)
    copies: list[tuple[sa.Table, sa.Select[Any]]] = [
        (teams, sa.select(teams)),
        (mailboxes, sa.select(mailboxes)),
        (people, sa.select(people).where(people.c.id.in_(known_agents))),
        (agents, sa.select(agents)),
        (memberships, sa.select(memberships)),
        (models, sa.select(models).where(models.c.state == "active")),
        (categories, sa.select(categories)),
        (keyword_rules, sa.select(keyword_rules)),
        (calendars, sa.select(calendars)),
        (routing_rules, sa.select(routing_rules)),
    ]
    for table, query in copies:
        rows = [dict(row._mapping) for row in source.execute(query)]
        if rows:
            target.execute(sa.insert(table), rows)


def last_inbound(session: Session) -> int:
    """The newest row's id; 0 where there is none."""
    return int(session.execute(sa.select(sa.func.coalesce(sa.func.max(inbound.c.id), 0))).scalar_one())


def outcomes(session: Session, after: int) -> Iterator[Outcome]:
    """Every row after that id, in order."""
    opened = (predictions.c.ticket_id == inbound.c.ticket_id) & (predictions.c.message_id == inbound.c.message_id)
    joined = (
        inbound.outerjoin(messages, messages.c.id == inbound.c.message_id)
        .outerjoin(tickets, tickets.c.id == inbound.c.ticket_id)
        .outerjoin(predictions, opened)
    )
    columns = (
        inbound.c.id.label("inbound_id"),
        inbound.c.raw,
        inbound.c.state,
        inbound.c.reason,
        inbound.c.repeats,
        inbound.c.ticket_id,
        messages.c.kind,
        messages.c.signal,
        tickets.c.subject,
        predictions.c.category,
        predictions.c.probability,
        predictions.c.outcome,
    )
    query = sa.select(*columns).select_from(joined).order_by(inbound.c.id).limit(_AT_ONCE)
    while rows := [Outcome(**row._mapping) for row in session.execute(query.where(inbound.c.id > after))]:
        yield from rows
        after = rows[-1].inbound_id
