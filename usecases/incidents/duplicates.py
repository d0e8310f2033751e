"""Duplicates: what the same requesters opened within the last day, and the links between tickets that say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.incidents.duplicates import WITHIN
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Event
from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.tables.tickets import links, messages, predictions, tickets
from storage.tickets import tickets as ticket_rows

REPEAT = "repeat"
MOST_OF_ONE = 10
"""So many earlier tickets of one person are looked at."""
WHY = "the same requester said the same within a day"


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    """A ticket with the text that opened it."""

    ticket_id: int
    requester_id: int
    at: datetime
    subject: str
    text: str


def frequent_requesters(session: Session, requesters: Collection[int], since: datetime) -> set[int]:
    """Those who opened more than one ticket since then: only they can have sent a duplicate."""
    c = tickets.c
    query = sa.select(c.requester_id).where(c.requester_id.in_(sorted(requesters)), c.created_at >= since - WITHIN)
    return set(session.execute(query.group_by(c.requester_id).having(sa.func.count() > 1)).scalars())


def opened_by(session: Session, requesters: Collection[int], since: datetime, length: int) -> list[EarlierTicket]:
    """The tickets that those people opened since then, oldest first, in one statement."""
    if not requesters:
        return []
    place = sa.func.row_number().over(partition_by=tickets.c.requester_id, order_by=tickets.c.id.desc()).label("place")
    where = (tickets.c.requester_id.in_(sorted(requesters)), tickets.c.created_at >= since - WITHIN)
    newest = sa.select(tickets.c.id, place).where(*where, tickets.c.merged_into.is_(None)).subquery()
    query = (
        sa.select(
            tickets.c.id.label("ticket_id"),
            tickets.c.requester_id,
            tickets.c.created_at.label("at"),
            tickets.c.subject,
            sa.func.substr(messages.c.reply, 1, length).label("text"),
        )
        .join(newest, newest.c.id == tickets.c.id)
        .join(predictions, predictions.c.ticket_id == tickets.c.id)
        .join(messages, messages.c.id == predictions.c.message_id)
        .where(newest.c.place <= MOST_OF_ONE)
        .order_by(tickets.c.id)
    )
    rows: Any = session.execute(query)
    return [EarlierTicket(*row) for row in rows]


def link_duplicates(session: Session, pairs: Iterable[tuple[int, int]], at: datetime, *, react: bool = True) -> int:
    """Links (repeat, first) pairs, with an event on both; existing links stay as they are."""
    happened: list[Event] = []
    for repeat, first in pairs:
        row = {"ticket_id": repeat, "other_id": first, "kind": REPEAT}
        if session.execute(insert_ignore(session, links), row).rowcount == 1:
            happened += [
                Event(ticket_id, at, EventKind.LINKED, DESK, after=str(other_id), why=WHY)
                for ticket_id, other_id in ((repeat, first), (first, repeat))
            ]
    ticket_rows.add_events(session, happened, react=react)
    return len(happened) // 2
