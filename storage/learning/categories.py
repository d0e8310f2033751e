"""The categories that an admin added or retired, beside those of the starter model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.db.session import Session, enqueue
from storage.db.statements import upsert
from storage.runtime import key_values
from storage.tables.learning import categories

LONGEST_NAME, LONGEST_WORDS = 100, 2000


@dataclass(frozen=True, slots=True)
class Category:
    """A category; a retired one is not guessed any more after the next training."""

    name: str
    words: str
    active: bool
    created_at: datetime


def list_all(session: Session) -> list[Category]:
    rows = session.execute(sa.select(categories).order_by(categories.c.name))
    return [Category(row.name, row.words, row.active, row.created_at) for row in rows]


def save(session: Session, name: str, words: str, now: datetime, *, active: bool = True) -> None:
    """Stores a new category, changed words, or a retired one, and requests a training."""
    row = {"name": name, "words": words, "active": active, "created_at": now}
    upsert(session, categories, ("name",), row)
    ask_for_training(session, f"category {name} was {'set' if active else 'retired'}", now)


def ask_for_training(session: Session, why: str, now: datetime) -> None:
    """Requests a training; the scheduler enqueues it again if the message is lost."""
    key_values.put(session, key_values.ASKED, {"why": why, "at": now.isoformat()})
    enqueue(session, "train", 0)
