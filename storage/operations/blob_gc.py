"""Garbage collection of blobs: removes those that no row names, while other processes store blobs.

The table lock makes whoever would name a blob wait for a moment (SQLite has one writer anyway). A process that stores
the same content afterwards finds neither row nor file, and writes both anew (`BlobStore.store_prepared`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.open_store import Store
from storage.tables.people import drafts, scheduled_replies
from storage.tables.tickets import blobs, inbound, messages, outbound

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What was removed."""

    removed: int = 0
    octets: int = 0

    def __add__(self, other: SweepResult) -> SweepResult:
        return SweepResult(self.removed + other.removed, self.octets + other.octets)


def sweep(store: Store, names: Iterable[str]) -> SweepResult:
    """Removes those blobs that nothing names; a transaction for each few."""
    unique_names, result = sorted({name for name in names if name}), SweepResult()
    for begin in range(0, len(unique_names), AT_ONCE):
        with store.database.transaction() as session:
            result += _sweep(store, session, unique_names[begin : begin + AT_ONCE])
    return result


def unreferenced(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Those blobs that nothing names, with their size."""
    unnamed = set(names)
    unnamed -= _named(session, unnamed) if unnamed else set()
    query = sa.select(blobs.c.sha256, blobs.c.size).where(blobs.c.sha256.in_(sorted(unnamed)))
    return {row.sha256: row.size for row in session.execute(query)} if unnamed else {}


def _sweep(store: Store, session: Session, names: Sequence[str]) -> SweepResult:
    if session.postgres:
        session.execute(sa.text("LOCK TABLE blobs IN SHARE ROW EXCLUSIVE MODE"))
    free_blobs = unreferenced(session, names)
    if free_blobs:
        session.execute(sa.delete(blobs).where(blobs.c.sha256.in_(sorted(free_blobs))))
        # Last: if the COMMIT fails, a row without its file is left that nothing names, and that the next put mends.
        store.blobs.unlink(free_blobs)
    return SweepResult(len(free_blobs), sum(free_blobs.values()))


def _named(session: Session, names: set[str]) -> set[str]:
    in_use: set[str] = set()
    for table in (messages, inbound, outbound):
        query = sa.select(table.c.raw).distinct().where(table.c.raw.in_(sorted(names)))
        in_use |= set(session.execute(query).scalars())
    # Where files are listed as JSON, one look through the rows that have any tells for all names.
    for column in (messages.c.attachments, outbound.c.content, scheduled_replies.c.content, drafts.c.files):
        in_use |= _in_json(session, column, names - in_use)
    return in_use


def _in_json(session: Session, column: sa.Column[Any], names: set[str]) -> set[str]:
    if not names:
        return set()
    text = sa.cast(column, sa.Text)
    rows = session.execute(sa.select(text).where(text.contains('"sha256"')))
    return {name for row in rows for name in names if name in row[0]}
