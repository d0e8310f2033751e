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
from storage.tables.people import scheduled_replies
from storage.tables.tickets import blobs, inbound, messages, outbound

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What is gone."""

    removed: int = 0
    octets: int = 0

    def __add__(self, other: SweepResult) -> SweepResult:
        return SweepResult(self.removed + other.removed, self.octets + other.octets)


def sweep(store: Store, names: Iterable[str]) -> SweepResult:
    """Remove those that nothing names; a transaction for each few."""
    wanted, done = sorted({name for name in names if name}), SweepResult()
    for begin in range(0, len(wanted), AT_ONCE):
        with store.database.transaction() as session:
            done += _sweep(store, session, wanted[begin : begin + AT_ONCE])
    return done


def unreferenced(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Those that nothing names, with their size."""
    wanted = set(names)
    wanted -= _named(session, wanted) if wanted else set()
    query = sa.select(blobs.c.sha256, blobs.c.size).where(blobs.c.sha256.in_(sorted(wanted)))
    return {row.sha256: row.size for row in session.execute(query)} if wanted else {}


def _sweep(store: Store, session: Session, names: Sequence[str]) -> SweepResult:
    if session.postgres:
        session.execute(sa.text("LOCK TABLE blobs IN SHARE ROW EXCLUSIVE MODE"))
    found = unreferenced(session, names)
    if found:
        session.execute(sa.delete(blobs).where(blobs.c.sha256.in_(sorted(found))))
        # Last: if the COMMIT fails, a row without its file is left that nothing names, and that the next put mends.
        store.blobs.unlink(found)
    return SweepResult(len(found), sum(found.values()))


def _named(session: Session, names: set[str]) -> set[str]:
    found: set[str] = set()
    for table in (messages, inbound, outbound):
        query = sa.select(table.c.raw).distinct().where(table.c.raw.in_(sorted(names)))
        found |= set(session.execute(query).scalars())
    # Where files are listed as JSON, one look through the rows that have any tells for all names.
    for column in (messages.c.attachments, outbound.c.content, scheduled_replies.c.content):
        found |= _in_json(session, column, names - found)
    return found


def _in_json(session: Session, column: sa.Column[Any], names: set[str]) -> set[str]:
    if not names:
        return set()
    said = sa.cast(column, sa.Text)
    rows = session.execute(sa.select(said).where(said.contains('"sha256"')))
    return {name for row in rows for name in names if name in row[0]}
