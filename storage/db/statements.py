"""The few statements that SQLite and PostgreSQL spell differently, as one function each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.db.session import Session


def insert(session: Session, table: sa.Table) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if session.postgres else sqlite.insert(table)


def insert_ignore(session: Session, table: sa.Table) -> Any:
    """INSERT that leaves rows alone that are there already; on PostgreSQL it waits for a rival's uncommitted row.

    Its rowcount says how many were new, which SQLAlchemy keeps for an INSERT only when asked.
    """
    return insert(session, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def insert_rows(
    session: Session,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    ignore: bool = False,
    repeats: tuple[str, ...] = (),
) -> None:
    """INSERT many rows in one round trip; all rows have the same columns.

    `ignore` leaves rows alone that are there; with the unique columns in `repeats` such a row counts the repetition.
    On PostgreSQL the rows travel as one JSON text: a tenth of the cost of one statement a row. On SQLite they go to
    the driver as they are, because SQLAlchemy's way with many rows costs as much as writing them.
    """
    if not rows:
        return
    end = " ON CONFLICT DO NOTHING" if ignore else ""
    if repeats:
        end = f" ON CONFLICT ({', '.join(repeats)}) DO UPDATE SET repeats = {table.name}.repeats + 1"
    columns = tuple(rows[0])
    if session.postgres:
        session.connection.exec_driver_sql(_recordset_insert(table, columns, end), _recordset_of(rows))
    else:
        session.connection.exec_driver_sql(_lite_insert(table, columns, end), _lite_rows(table, columns, rows))


def insert_or_count(session: Session, table: sa.Table, keys: Sequence[str]) -> Any:
    """INSERT that increments the counter of an existing row instead of adding a second one."""
    added = {"repeats": table.c.repeats + 1}
    return insert(session, table).on_conflict_do_update(index_elements=list(keys), set_=added)


def update_rows(session: Session, table: sa.Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """UPDATE many rows by their `key` column in one round trip; all rows have the same columns."""
    if not rows:
        return
    columns = tuple(rows[0])
    if session.postgres:
        session.connection.exec_driver_sql(_recordset_update(table, columns, key), _recordset_of(rows))
        return
    changed = (*(name for name in columns if name != key), key)
    session.connection.exec_driver_sql(_lite_update(table, changed), _lite_rows(table, changed, rows))


@cache
def _lite_insert(table: sa.Table, columns: tuple[str, ...], end: str) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))}){end}"


@cache
def _lite_update(table: sa.Table, columns: tuple[str, ...]) -> str:
    """The last column is the key."""
    *names, key = columns
    changes = ", ".join(f'"{name}" = ?' for name in names)
    return f'UPDATE {table.name} SET {changes} WHERE "{key}" = ?'


def _lite_rows(table: sa.Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The values as the columns' types write them, column by column: most are written as they are."""
    written: list[Sequence[Any]] = []
    for name, write in zip(columns, _writers(table, columns), strict=True):
        values = [row[name] for row in rows]
        written.append(values if write is None else list(map(write, values)))
    return list(zip(*written, strict=True))


@cache
def _writers(table: sa.Table, columns: tuple[str, ...]) -> tuple[Callable[[Any], Any] | None, ...]:
    kinds = (table.c[name].type.dialect_impl(_SQLITE) for name in columns)
    return tuple(kind.bind_processor(_SQLITE) for kind in kinds)


@cache
def _recordset_insert(table: sa.Table, columns: tuple[str, ...], end: str) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f'v."{name}"' for name in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {_recordset(table, columns)}{end}"


@cache
def _recordset_update(table: sa.Table, columns: tuple[str, ...], key: str) -> str:
    changes = ", ".join(f'"{name}" = v."{name}"' for name in columns if name != key)
    return f'UPDATE {table.name} SET {changes} FROM {_recordset(table, columns)} WHERE {table.name}."{key}" = v."{key}"'


def _recordset(table: sa.Table, columns: tuple[str, ...]) -> str:
    types = ", ".join(f'"{name}" {_type_name(table, name)}' for name in columns)
    return f"json_to_recordset(%s::json) AS v({types})"


def _type_name(table: sa.Table, name: str) -> str:
    return str(table.c[name].type.compile(_POSTGRES))


_SQLITE: sa.Dialect = sqlite.dialect()
_POSTGRES: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def _recordset_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str]:
    return (json.dumps(rows, default=_plain, ensure_ascii=False, separators=(",", ":")),)


def _plain(value: Any) -> str:
    """Moments as ISO 8601, bytes as PostgreSQL's hexadecimal."""
    return "\\x" + value.hex() if isinstance(value, bytes) else value.isoformat()


def upsert(session: Session, table: sa.Table, keys: Sequence[str], rows: dict[str, Any]) -> None:
    """INSERT one row, or UPDATE its other columns where its keys are there."""
    statement = insert(session, table).values(**rows)
    changes = {name: value for name, value in rows.items() if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changes))


def for_update(session: Session, query: sa.Select[Any], *, skip: bool = False) -> sa.Select[Any]:
    """FOR UPDATE on PostgreSQL; on SQLite the whole transaction holds the lock already."""
    return query.with_for_update(skip_locked=skip) if session.postgres else query


def reserve_ids(session: Session, table: sa.Table, count: int) -> list[int]:
    """Ids that no one else will get, so that rows that name each other can be built before they are written."""
    if count == 0:
        return []
    if session.postgres:
        query = sa.text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return [row[0] for row in session.execute(query, {"name": table.name, "count": count})]
    values = {"name": table.name, "count": count}
    raised = sa.text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = :name RETURNING seq")
    top = session.execute(raised, values).scalar()
    if top is None:
        session.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :count)"), values)
        top = count
    return list(range(int(top) - count + 1, int(top) + 1))


def read_counts(session: Session, query: sa.Select[Any]) -> dict[str, int]:
    """The two columns of a GROUP BY as a mapping."""
    rows: Any = session.execute(query)
    return {row[0]: row[1] for row in rows}


def claim_rows(
    session: Session, query: sa.Select[Any], number: sa.ColumnElement[int], first: Sequence[int], most: int
) -> list[sa.Row[Any]]:
    """Up to `most` rows of a query that nobody else holds: those with the numbers in `first`, then the others in order.

    The query's first column tells its rows apart. What is asked for is looked up by its number, so that a message
    finds its own row however much waits before it.
    """
    first_rows = query.where(number.in_(list(first)[:most]))
    rows = list(session.execute(for_update(session, first_rows, skip=True))) if first else []
    if len(rows) < most:
        ids = {row[0] for row in rows}
        others = session.execute(for_update(session, query.limit(most), skip=True))
        rows += [row for row in others if row[0] not in ids]
    return rows[:most]
