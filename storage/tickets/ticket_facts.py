"""The facts of stored tickets that conditions ask for: routing rules, SLA policies, automations.

They are read for many tickets in a few statements; `desk/rules/ticket_facts.py` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.rules.conditions import TicketFacts
from desk.rules.ticket_facts import LONGEST_TEXT, Around, facts_of_ticket
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, MessageKind, Ticket
from storage.db.session import Session
from storage.tables.desk import organisations
from storage.tables.tickets import events, mailboxes, messages, people, predictions, teams


def load_facts(session: Session, ticket_list: Sequence[Ticket], now: datetime) -> dict[int, TicketFacts]:
    """Ticket → its facts; `text` is the requester's first message."""
    around = load_around(session, ticket_list)
    return {ticket.id: facts_of_ticket(ticket, around[ticket.id], now) for ticket in ticket_list}


def load_around(session: Session, ticket_list: Sequence[Ticket]) -> dict[int, Around]:
    """Ticket → the rows around it. `hours` and `event` are for the caller to fill in (`dataclasses.replace`)."""
    if not ticket_list:
        return {}
    ids = [ticket.id for ticket in ticket_list]
    boxes = _names(session, mailboxes, mailboxes.c.address, {t.mailbox_id for t in ticket_list})
    groups = _names(session, teams, teams.c.name, {t.team_id for t in ticket_list})
    first_words, reopened = _first_words(session, ids), _reopened(session, ids)
    waiting, who = _waiting_since(session, ids), _people(session, ticket_list)
    by_ticket = {}
    for ticket in ticket_list:
        base = first_words.get(ticket.id, Around())
        staff = who.get(ticket.assignee_id or 0, {})
        by_ticket[ticket.id] = replace(
            base,
            **_of_requester(who.get(ticket.requester_id, {}), base.language),
            mailbox=boxes.get(ticket.mailbox_id or 0, ""),
            team=groups.get(ticket.team_id or 0, ""),
            assignee=staff.get("name") or staff.get("address", ""),
            reopened=reopened.get(ticket.id, 0),
            waiting_since=waiting.get(ticket.id),
        )
    return by_ticket


def load_people(session: Session, ids: Iterable[int]) -> dict[int, Around]:
    """Person → their facts as a requester: address, name, VIP, organisation, plan, language."""
    return {row["id"]: Around(**_of_requester(row, "")) for row in _rows_of_people(session, set(ids))}


def _of_requester(row: Mapping[str, Any], guessed: str) -> dict[str, Any]:
    if not row:
        return {}
    names = {"requester": "address", "requester_name": "name", "organisation": "organisation", "plan": "plan"}
    facts = {to: row[source] or "" for to, source in names.items()}
    return facts | {"vip": bool(row["vip"]), "language": row["language"] or guessed}


def _people(session: Session, ticket_list: Sequence[Ticket]) -> dict[int, Mapping[str, Any]]:
    ids = {t.requester_id for t in ticket_list} | {t.assignee_id for t in ticket_list if t.assignee_id}
    return {row["id"]: row for row in _rows_of_people(session, ids)}


def _rows_of_people(session: Session, ids: set[int]) -> list[Mapping[str, Any]]:
    p, o = people.c, organisations.c
    columns = (p.id, p.address, p.name, p.vip, p.language, o.name.label("organisation"), o.plan)
    joined = people.outerjoin(organisations, o.id == p.organisation_id)
    query = sa.select(*columns).select_from(joined).where(p.id.in_(sorted(ids)))
    return [dict(row._mapping) for row in session.execute(query)]


def _names(session: Session, table: sa.Table, column: sa.Column[Any], ids: Iterable[int | None]) -> dict[int, str]:
    unique_ids = sorted({number for number in ids if number})
    query = sa.select(table.c.id, column.label("said")).where(table.c.id.in_(unique_ids))
    return {row.id: row.said for row in session.execute(query)} if unique_ids else {}


def _first_words(session: Session, ids: Sequence[int]) -> dict[int, Around]:
    """The first message's text and files, and its language."""
    c = messages.c
    first = sa.select(sa.func.min(c.id).label("id")).where(c.ticket_id.in_(ids)).group_by(c.ticket_id).subquery()
    words = sa.func.substr(c.reply, 1, LONGEST_TEXT).label("words")
    query = (
        sa.select(c.ticket_id, words, c.attachments, predictions.c.language)
        .join(first, first.c.id == c.id)
        .outerjoin(predictions, predictions.c.ticket_id == c.ticket_id)
    )
    return {
        row.ticket_id: Around(
            text=row.words,
            language=row.language or "",
            attachments=tuple(str(file.get("name", "")) for file in row.attachments or ()),
        )
        for row in session.execute(query)
    }


def _reopened(session: Session, ids: Sequence[int]) -> dict[int, int]:
    c = events.c
    where = (c.ticket_id.in_(ids), c.kind == EventKind.REOPENED)
    query = sa.select(c.ticket_id, sa.func.count().label("times")).where(*where).group_by(c.ticket_id)
    return {row.ticket_id: row.times for row in session.execute(query)}


def _waiting_since(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """The time of the requester's first message that nobody has answered yet."""
    c, answer = messages.c, messages.alias("answer")
    kinds = (c.kind == str(MessageKind.REPLY), c.author_kind == str(ActorKind.REQUESTER))
    last = (
        sa.select(sa.func.max(answer.c.id))
        .where(
            answer.c.ticket_id == c.ticket_id,
            answer.c.kind == str(MessageKind.REPLY),
            answer.c.author_kind == str(ActorKind.AGENT),
        )
        .scalar_subquery()
    )
    open_ones = (c.ticket_id.in_(ids), *kinds, c.id > sa.func.coalesce(last, 0))
    query = sa.select(c.ticket_id, sa.func.min(c.created_at).label("since")).where(*open_ones).group_by(c.ticket_id)
    return {row.ticket_id: row.since for row in session.execute(query)}
