"""A full-text index of solved tickets: the request, and the message that solved it.

It is updated when tickets are resolved, reopened, merged or split; the indexed text is the requester's. `candidates`
returns a few hundred that share the rarest words with a new request; `classifier.similar` ranks them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from desk.tickets.ticket import ActorKind, MessageKind, Status
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import insert_rows
from storage.tables.learning import solved, suggestion_uses
from storage.tables.tickets import messages, people, tickets

LONGEST = 5_000
MOST_CANDIDATES = 300
ENOUGH = 10
"""With fewer candidates that share three rare words, those that share two are asked for as well, then one."""
_TIERS = ((3, 5), (2, 5), (1, 3))
"""How many words are shared, of how many of the rarest."""

_COLUMNS = "s.ticket_id, s.category, s.subject, s.text, s.resolution, s.message_id, s.resolved_at"
_SQLITE = (
    f"SELECT {_COLUMNS} FROM solved_search f JOIN solved s ON s.ticket_id = f.rowid WHERE solved_search MATCH :terms"
)
_POSTGRES = f"SELECT {_COLUMNS} FROM solved s WHERE s.search @@ to_tsquery('simple', :terms)"


@dataclass(frozen=True, slots=True)
class SolvedTicket:
    """One solved ticket."""

    ticket_id: int
    category: str
    subject: str
    text: str
    resolution: str
    message_id: int | None
    resolved_at: datetime


def index_tickets(session: Session, ids: Iterable[int]) -> int:
    """Indexes those of the tickets that are solved and were answered, removes the others.

    Returns how many were indexed.
    """
    unique_ids = sorted(set(ids))
    if not unique_ids:
        return 0
    session.execute(sa.delete(solved).where(solved.c.ticket_id.in_(unique_ids)))
    rows = [_row(row._mapping) for row in session.execute(_answered(unique_ids)) if row.asked is not None]
    insert_rows(session, solved, rows)
    return len(rows)


def candidates(
    session: Session, terms: Sequence[str], category: str = "", but: Collection[int] = (), most: int = MOST_CANDIDATES
) -> list[SolvedTicket]:
    """Solved tickets that share at least three of the words; two or one where that finds too few; the newest first."""
    by_ticket: dict[int, SolvedTicket] = {}
    for shared, among in _TIERS:
        groups = list(combinations(terms[:among], shared))
        if groups and len(by_ticket) < ENOUGH:
            by_ticket = {ticket.ticket_id: ticket for ticket in _search(session, groups, category, most)} | by_ticket
    return [ticket for ticket in by_ticket.values() if ticket.ticket_id not in but]


def get(session: Session, ticket_id: int) -> SolvedTicket | None:
    """The indexed row of one solved ticket."""
    query = sa.select(*(solved.c[name] for name in SolvedTicket.__dataclass_fields__)).where(
        solved.c.ticket_id == ticket_id
    )
    row = session.execute(query).first()
    return SolvedTicket(**row._mapping) if row else None


def names_of_both(session: Session, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Ticket → the names of its requester and of the author of the answer that solved it."""
    query = (
        sa.select(solved.c.ticket_id, people.c.name, people.c.address, messages.c.author_name)
        .join(tickets, tickets.c.id == solved.c.ticket_id)
        .join(people, people.c.id == tickets.c.requester_id)
        .outerjoin(messages, messages.c.id == solved.c.message_id)
        .where(solved.c.ticket_id.in_(sorted(ids)))
    )
    return {row.ticket_id: (row.name or row.address, row.author_name or "") for row in session.execute(query)}


def has_use(session: Session, ticket_id: int) -> bool:
    """Whether the use of this ticket's suggestions is recorded already."""
    query = sa.select(suggestion_uses.c.id).where(suggestion_uses.c.ticket_id == ticket_id).limit(1)
    return session.execute(query).first() is not None


@dataclass(frozen=True, slots=True)
class SuggestionUse:
    """An agent used a suggestion as it is ("used"), changed it ("edited") or did not use it ("ignored")."""

    ticket_id: int
    kind: str
    source_id: int
    agent_id: int | None
    outcome: str


def record_use(session: Session, use: SuggestionUse, at: datetime) -> None:
    session.execute(sa.insert(suggestion_uses).values(**asdict(use), at=at))


def _search(session: Session, groups: Sequence[Sequence[str]], category: str, most: int) -> list[SolvedTicket]:
    terms = (_postgres_terms if session.postgres else _sqlite_terms)(groups)
    base = (_POSTGRES if session.postgres else _SQLITE) + visibility.text_condition(session, "s.ticket_id")
    same = " AND s.category = :category" if category else ""
    query = sa.text(f"{base}{same} ORDER BY {'s.ticket_id' if session.postgres else 'f.rowid'} DESC LIMIT :most")
    # The driver knows no types of a textual query: SQLite's moments would come as text.
    typed = query.columns(*(solved.c[name] for name in SolvedTicket.__dataclass_fields__))
    rows = session.execute(typed, {"terms": terms, "most": most} | ({"category": category} if category else {}))
    return [SolvedTicket(**row._mapping) for row in rows]


def _sqlite_terms(groups: Sequence[Sequence[str]]) -> str:
    return " OR ".join(
        "(" + " AND ".join('"' + term.replace('"', "") + '"' for term in group) + ")" for group in groups
    )


def _postgres_terms(groups: Sequence[Sequence[str]]) -> str:
    def quoted(term: str) -> str:
        return "'" + term.replace("'", " ").replace("\\", " ") + "'"

    return " | ".join("(" + " & ".join(map(quoted, group)) + ")" for group in groups)


def _answered(ids: Sequence[int]) -> sa.Select[Any]:
    """Each ticket with its first message and the last answer before it was solved."""
    question, answer = messages.alias("said"), messages.alias("gave")
    first = _end_of(sa.func.min, messages.c.author_kind == str(ActorKind.REQUESTER), messages.c.inbound)
    last = _end_of(sa.func.max, messages.c.author_kind == str(ActorKind.AGENT))
    t = tickets.c
    return (
        sa.select(
            t.id, t.category, t.subject, t.resolution, t.resolved_at, t.updated_at,
            question.c.reply.label("asked"), answer.c.id.label("answer_id"), answer.c.reply.label("answer"),
        )
        .select_from(tickets)
        .join(question, question.c.id == first)
        .outerjoin(answer, answer.c.id == last)
        .where(t.id.in_(ids), t.status.in_([str(Status.RESOLVED), str(Status.CLOSED)]), t.merged_into.is_(None))
        .where(sa.or_(t.resolution != "", answer.c.id.is_not(None)))
    )  # fmt: skip


def _end_of(end: Any, *where: Any) -> Any:
    """The first or last public message of a ticket by one side."""
    inner = sa.select(end(messages.c.id)).where(messages.c.ticket_id == tickets.c.id, *where)
    return inner.where(messages.c.kind == str(MessageKind.REPLY)).correlate(tickets).scalar_subquery()


def _row(row: Mapping[str, Any] | sa.RowMapping) -> dict[str, Any]:
    return {
        "ticket_id": row["id"],
        "category": row["category"] or "",
        "subject": row["subject"][:500],
        "text": row["asked"][:LONGEST],
        "resolution": (row["resolution"] or row["answer"] or "")[:LONGEST],
        "message_id": row["answer_id"],
        "resolved_at": row["resolved_at"] or row["updated_at"],
    }
