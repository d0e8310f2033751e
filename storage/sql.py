"""The few statements that SQLite and PostgreSQL spell differently, behind one name each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.transaction import Session


def insert(session: Session, table: sa.Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if session.postgres else sqlite.insert(table)


def insert_ignore(session: Session, table: sa.Table) -> Any:
    """INSERT that leaves rows alone that are there already; on PostgreSQL it waits for a rival's uncommitted row."""
    return insert(session, table).on_conflict_do_nothing()


def upsert(session: Session, table: sa.Table, keys: Sequence[str], rows: dict[str, Any]) -> None:
    """INSERT one row, or UPDATE its other columns where its keys are there."""
    statement = insert(session, table).values(**rows)
    changes = {name: value for name, value in rows.items() if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changes))


def locked(session: Session, query: sa.Select[Any], *, skip: bool = False) -> sa.Select[Any]:
    """FOR UPDATE on PostgreSQL; on SQLite the whole transaction holds the lock already."""
    return query.with_for_update(skip_locked=skip) if session.postgres else query


def reserve_ids(session: Session, table: sa.Table, count: int) -> list[int]:
    """Ids that no one else will get, so that rows that name each other can be built before they are written."""
    if count == 0:
        return []
    if session.postgres:
        query = sa.text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return [row[0] for row in session.execute(query, {"name": table.name, "count": count})]
    top = session.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}).scalar()
    return list(range(int(top or 0) + 1, int(top or 0) + 1 + count))


def counts(session: Session, query: sa.Select[Any]) -> dict[str, int]:
    """The two columns of a GROUP BY as a mapping."""
    rows: Any = session.execute(query)
    return {row[0]: row[1] for row in rows}
