"""Evaluated guesses: which category the model guessed for each ticket, and which one turned out to be right.

The agents' last correction is the truth; where no agent corrected or confirmed, a finished ticket with an automatic
category counts as right. The figures are computed elsewhere (`console/insight/accuracy_figures.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.tickets.ticket import MessageKind, Status
from storage.access import visibility
from storage.db.session import Session
from storage.tables.learning import corrections
from storage.tables.tickets import messages, predictions, tickets

MOST = 50_000
BY_AGENT, BY_SILENCE = "agent", "silence"


@dataclass(frozen=True, slots=True)
class EvaluatedGuess:
    """One guess. `guessed` is the likeliest category, even where the model was unsure; `truth` may not be known yet."""

    ticket_id: int
    at: datetime
    model_version: str
    guessed: str
    probability: float
    outcome: str
    rule: str
    rule_category: str
    language: str
    truth: str | None
    truth_from: str

    @property
    def right(self) -> bool | None:
        return None if self.truth is None else self.truth == self.guessed


@dataclass(frozen=True, slots=True)
class UncertainTicket:
    """A ticket that no agent has categorised, and the categories between which the model is unsure."""

    ticket_id: int
    subject: str
    words: str
    requester_id: int
    outcome: str
    choices: Sequence[tuple[str, float]]


def load_guesses(session: Session, since: datetime, most: int = MOST) -> list[EvaluatedGuess]:
    """The guesses since then, oldest first; of very many the newest."""
    p = predictions.c
    at = sa.func.coalesce(p.created_at, tickets.c.created_at)
    query = (
        sa.select(predictions, tickets.c.created_at.label("opened_at"), tickets.c.status)
        .add_columns(tickets.c.category.label("now"))
        .join(tickets, tickets.c.id == p.ticket_id)
        .where(at >= since, tickets.c.merged_into.is_(None), *visibility.ticket_condition(session))
        .order_by(p.ticket_id.desc())
        .limit(most)
    )
    rows = session.execute(query).all()
    corrected = _last_words(session, rows[-1].ticket_id if rows else 0)
    return [_fact(row, corrected.get(row.ticket_id)) for row in reversed(rows)]


def load_uncertain_tickets(session: Session, most: int = 2_000) -> list[UncertainTicket]:
    """The newest tickets whose category is unsure and that no agent has categorised."""
    p = predictions.c
    spoken = sa.select(corrections.c.id).where(corrections.c.ticket_id == tickets.c.id).exists()
    query = (
        sa.select(predictions, tickets.c.subject, tickets.c.requester_id)
        .add_columns(sa.func.substr(messages.c.reply, 1, 300).label("words"))
        .join(tickets, tickets.c.id == p.ticket_id)
        .join(messages, messages.c.id == p.message_id)
        .where(p.outcome != "automatic", ~spoken, tickets.c.merged_into.is_(None), p.rule_category == "")
        .where(
            tickets.c.category.is_(None),
            messages.c.kind == str(MessageKind.REPLY),
            *visibility.ticket_condition(session),
        )
        .order_by(p.ticket_id.desc())
        .limit(most)
    )
    return [_doubt(row) for row in session.execute(query)]


def _last_words(session: Session, from_ticket: int) -> dict[int, str]:
    c = corrections.c
    last = sa.select(sa.func.max(c.id)).where(c.ticket_id >= from_ticket).group_by(c.ticket_id)
    return {row.ticket_id: row.after for row in session.execute(sa.select(c.ticket_id, c.after).where(c.id.in_(last)))}


def _fact(row: sa.Row[Any], corrected: str | None) -> EvaluatedGuess:
    guessed = row.category or next((name for name, _ in _pairs(row.runners_up)), "")
    truth, source = (corrected, BY_AGENT) if corrected else (None, "")
    finished = row.status in (Status.RESOLVED, Status.CLOSED)
    if truth is None and finished and row.outcome == "automatic" and row.now == row.category:
        truth, source = row.category, BY_SILENCE
    return EvaluatedGuess(
        ticket_id=row.ticket_id,
        at=row.created_at or row.opened_at,
        model_version=row.model_version,
        guessed=guessed,
        probability=row.probability,
        outcome=row.outcome,
        rule=row.rule,
        rule_category=row.rule_category,
        language=row.language,
        truth=truth,
        truth_from=source,
    )


def _doubt(row: sa.Row[Any]) -> UncertainTicket:
    first = [(row.category, row.probability)] if row.category else []
    return UncertainTicket(
        row.ticket_id, row.subject, row.words, row.requester_id, row.outcome, (*first, *_pairs(row.runners_up))[:4]
    )


def _pairs(value: Any) -> Iterator[tuple[str, float]]:
    return ((str(item[0]), float(item[1])) for item in value or () if len(item) == 2)


def weeks_before(now: datetime, weeks: int) -> datetime:
    """The Monday, midnight UTC, that many weeks before this week's."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=weeks)
