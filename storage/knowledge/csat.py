"""CSAT ratings: planned when a ticket is resolved, asked later by mail, answered through a signed link.

A row goes from `planned` over `asked` to `rated`; `next_at` is when the job `csat` must process it again, so that one
run costs what is due. There is one row per ticket. The link's signed token is made and read here.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.knowledge.csat import CsatSettings
from desk.signed.reply_address import sign
from storage.db.session import Session
from storage.db.statements import for_update, insert_rows
from storage.runtime import failures
from storage.tables.desk import ratings
from storage.tables.tickets import people, predictions, teams, tickets

JOB = "csat"
PLANNED, ASKED, RATED = "planned", "asked", "rated"
_TOKEN = re.compile(r"([1-9][0-9]{0,17})-([a-z2-7]{26})")


@dataclass(frozen=True, slots=True)
class Rating:
    """One request for a rating and, once given, its answer."""

    id: int
    ticket_id: int
    agent_id: int | None
    team_id: int | None
    requester_id: int | None
    state: str
    asked_at: datetime
    reminded_at: datetime | None
    rated_at: datetime | None
    score: int | None
    comment: str


_RATING = sa.select(*(ratings.c[name] for name in Rating.__dataclass_fields__))


def make_token(rating_id: int, secret: bytes) -> str:
    """The signed token of a link."""
    return f"{rating_id}-{sign('rating', str(rating_id), secret)}"


def read_token(text: str, secret: bytes) -> int | None:
    """The id of the rating that a genuine token names."""
    match = _TOKEN.fullmatch(text)
    if match is None or not hmac.compare_digest(match[2], sign("rating", match[1], secret)):
        return None
    return int(match[1])


def plan(session: Session, ids: Iterable[int], rules: CsatSettings, now: datetime) -> None:
    """Plans a rating for tickets that were just resolved, unless one was planned before."""
    unique_ids = sorted(set(ids))
    if not unique_ids or not rules.ask_rating:
        return
    asked_ids = set(
        session.execute(sa.select(ratings.c.ticket_id).where(ratings.c.ticket_id.in_(unique_ids))).scalars()
    )
    c, when = tickets.c, now + timedelta(hours=rules.rating_after_hours)
    query = sa.select(c.id, c.assignee_id, c.team_id, c.requester_id)
    rows = session.execute(
        query.where(c.id.in_([ticket_id for ticket_id in unique_ids if ticket_id not in asked_ids])).order_by(c.id)
    )
    new_rows = [
        {
            "ticket_id": row.id,
            "agent_id": row.assignee_id,
            "team_id": row.team_id,
            "requester_id": row.requester_id,
            "asked_at": when,
            "next_at": when,
        }
        for row in rows
    ]
    insert_rows(session, ratings, new_rows)


def is_due(session: Session, now: datetime) -> bool:
    return session.execute(sa.select(ratings.c.id).where(*_due(now)).limit(1)).first() is not None


def due_ratings(session: Session, now: datetime, most: int) -> list[Rating]:
    """The ratings to process now; no other process gets them until this transaction ends."""
    picked = _RATING.where(*_due(now)).order_by(ratings.c.next_at, ratings.c.id).limit(most)
    return [Rating(**row._mapping) for row in session.execute(for_update(session, picked, skip=True))]


def was_asked_since(session: Session, requester_id: int, since: datetime, but: int) -> bool:
    """Whether this requester got another request for a rating after that moment."""
    where = (ratings.c.requester_id == requester_id, ratings.c.state != PLANNED, ratings.c.asked_at > since)
    query = sa.select(ratings.c.id).where(*where, ratings.c.id != but).limit(1)
    return session.execute(query).first() is not None


def mark_asked(session: Session, rating: Rating, now: datetime, again_at: datetime | None) -> None:
    """Marks the rating as asked; `again_at` is when to check for an answer."""
    if rating.state == PLANNED:
        _set(session, rating.id, state=ASKED, asked_at=now, next_at=again_at)
    else:
        _set(session, rating.id, reminded_at=now, next_at=None)


def drop(session: Session, rating: Rating) -> None:
    """Deletes a rating that was not asked yet; one that was asked is not asked again."""
    if rating.state == PLANNED:
        session.execute(sa.delete(ratings).where(ratings.c.id == rating.id))
    else:
        _set(session, rating.id, next_at=None)


def get(session: Session, rating_id: int, *, lock: bool = False) -> Rating | None:
    query = _RATING.where(ratings.c.id == rating_id)
    row = session.execute(for_update(session, query) if lock else query).first()
    return Rating(**row._mapping) if row else None


def of_ticket(session: Session, ticket_id: int) -> Rating | None:
    row = session.execute(_RATING.where(ratings.c.ticket_id == ticket_id).order_by(ratings.c.id.desc())).first()
    return Rating(**row._mapping) if row else None


def record_score(session: Session, rating_id: int, score: int, comment: str, now: datetime) -> None:
    """Stores a score; the first one sets the moment, a later change keeps it, so that the time for changes ends."""
    first = sa.func.coalesce(ratings.c.rated_at, sa.bindparam("first", now, type_=ratings.c.rated_at.type))
    _set(session, rating_id, state=RATED, score=score, comment=comment, rated_at=first, next_at=None)


def is_private(session: Session, ticket_id: int) -> bool:
    """Whether the ticket belongs to a private team."""
    query = sa.select(teams.c.private).join(tickets, tickets.c.team_id == teams.c.id).where(tickets.c.id == ticket_id)
    return bool(session.execute(query).scalar())


def language_of(session: Session, ticket_id: int) -> str:
    """The requester's own setting, or the language that the ticket is written in; "" where neither is known."""
    query = (
        sa.select(people.c.language, predictions.c.language.label("guessed"))
        .select_from(tickets.join(people, people.c.id == tickets.c.requester_id))
        .outerjoin(predictions, predictions.c.ticket_id == tickets.c.id)
        .where(tickets.c.id == ticket_id)
    )
    row = session.execute(query).first()
    return (row.language or row.guessed or "") if row else ""


def ratings_between(session: Session, since: datetime, until: datetime) -> list[Rating]:
    """All ratings that were asked in that time, the newest first."""
    where = (ratings.c.state != PLANNED, ratings.c.asked_at >= since, ratings.c.asked_at < until)
    query = _RATING.where(*where).order_by(ratings.c.asked_at.desc(), ratings.c.id.desc())
    return [Rating(**row._mapping) for row in session.execute(query)]


def _due(now: datetime) -> Sequence[sa.ColumnElement[bool]]:
    return ratings.c.next_at.is_not(None), ratings.c.next_at <= now, failures.ready_condition(JOB, ratings.c.id, now)


def _set(session: Session, rating_id: int, **values: Any) -> None:
    session.execute(sa.update(ratings).where(ratings.c.id == rating_id).values(**values))
