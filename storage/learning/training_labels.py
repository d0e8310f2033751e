"""Training examples from tickets: the first message, and the last category that an agent set.

Tickets whose text was erased are left out. Which examples count: `desk/learning/learning.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from desk.learning.learning import Example
from desk.tickets.ticket import MessageKind, Status
from storage.db.session import Session
from storage.tables.learning import corrections
from storage.tables.tickets import messages, predictions, tickets

MOST_SAID, MOST_SILENT = 100_000, 20_000
MOST_LETTERS = 20_000


def labels_by_agents(session: Session, most: int = MOST_SAID) -> list[Example]:
    """Tickets whose category an agent set or confirmed; the newest correction counts."""
    c = corrections.c
    last = sa.select(sa.func.max(c.id).label("id")).group_by(c.ticket_id).order_by(sa.desc("id")).limit(most).subquery()
    query = (
        sa.select(*_WORDS, c.after, c.at, c.agent_id, c.id.label("correction_id"))
        .join(last, last.c.id == c.id)
        .join(tickets, tickets.c.id == c.ticket_id)
        .join(messages, messages.c.id == sa.func.coalesce(c.message_id, _first_message(c.ticket_id)))
        .where(c.after != "")
    )
    return [
        Example(row.id, _text(row), row.after, row.at, row.requester_id, row.agent_id, row.correction_id)
        for row in session.execute(query)
    ]


def labels_by_silence(session: Session, most: int = MOST_SILENT) -> list[Example]:
    """Finished tickets whose automatic category no agent changed or confirmed."""
    finished = (str(Status.RESOLVED), str(Status.CLOSED))
    spoken = sa.select(corrections.c.id).where(corrections.c.ticket_id == tickets.c.id).exists()
    p = predictions.c
    query = (
        sa.select(*_WORDS, tickets.c.category, tickets.c.created_at)
        .join(predictions, p.ticket_id == tickets.c.id)
        .join(messages, messages.c.id == p.message_id)
        .where(tickets.c.status.in_(finished), tickets.c.merged_into.is_(None), p.category == tickets.c.category)
        .where(p.outcome == "automatic", messages.c.kind == str(MessageKind.REPLY), ~spoken)
        .order_by(tickets.c.id.desc())
        .limit(most)
    )
    return [
        Example(row.id, _text(row), row.category, row.created_at, row.requester_id, said=False)
        for row in session.execute(query)
    ]


def opening_text(session: Session, ticket_id: int) -> str:
    """The text from which a ticket's category is guessed; empty if there is none."""
    return opening_texts(session, [ticket_id]).get(ticket_id, "")


def opening_texts(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The same for many."""
    texts: dict[int, str] = {}
    for begin in range(0, len(ids), 1000):
        part = list(ids[begin : begin + 1000])
        public = (messages.c.ticket_id.in_(part), messages.c.inbound, messages.c.side_id.is_(None))
        firsts = sa.select(sa.func.min(messages.c.id)).where(*public)
        query = sa.select(*_WORDS).join(messages, messages.c.ticket_id == tickets.c.id)
        rows = session.execute(query.where(messages.c.id.in_(firsts.group_by(messages.c.ticket_id))))
        texts |= {row.id: _text(row) for row in rows}
    return texts


def _first_message(ticket_id: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    first = messages.alias("first")
    return sa.select(sa.func.min(first.c.id)).where(first.c.ticket_id == ticket_id, first.c.inbound).scalar_subquery()


def _text(row: sa.Row[tuple[object, ...]]) -> str:
    return f"{row.subject}\n{row.words}".strip()


_WORDS = (
    tickets.c.id,
    tickets.c.requester_id,
    messages.c.subject,
    sa.func.substr(messages.c.reply, 1, MOST_LETTERS).label("words"),
)
