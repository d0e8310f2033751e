"""The categories that an admin added or retired, beside those of the starter model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.learning import desk_kind
from desk.learning.desk_kind import Desk
from storage.db.session import Session, enqueue
from storage.db.statements import upsert
from storage.runtime import key_values
from storage.tables.learning import categories

KIND = "desk_kind"
"""The key of the desk's kind."""
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


def desk(session: Session) -> Desk:
    return desk_kind.read(key_values.get(session, KIND) or {})


def set_desk(session: Session, settings: Desk, now: datetime) -> None:
    """Stores the desk's kind; another one requests a training."""
    if settings != desk(session):
        ask_for_training(session, f"the desk is for {settings.kind}", now)
    key_values.put(session, KIND, {"kind": str(settings.kind)})


def absent(session: Session) -> frozenset[str]:
    """The starter's categories that this desk does not have by its kind, those left out that it made its own."""
    return desk_kind.absent(desk(session).kind) - {category.name for category in list_all(session) if category.active}


def ask_for_training(session: Session, why: str, now: datetime) -> None:
    """Requests a training; the scheduler enqueues it again if the message is lost."""
    key_values.put(session, key_values.ASKED, {"why": why, "at": now.isoformat()})
    enqueue(session, "train", 0)
