"""A small desk's rows many times over, by SQL: what the product wrote, with other ids, addresses and Message-IDs.

It takes a database with some tickets, and how many copies, and returns nothing; the rows are there and the statistics
are fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from desk.reports.ticket_figures import SLOT_SECONDS
from storage.db.session import Database
from storage.tables.column_types import UTCDateTime
from storage.tables.tickets import metadata

TABLES = ("people", "inbound", "tickets", "predictions", "messages", "thread_ids", "participants", "events", "outbound")
STRIDE = 10_000
"""Above every id of the small desk."""

_IDS = {"id", "ticket_id", "message_id", "inbound_id", "row_id", "requester_id"}
_ACTORS = {"author_id": "author_kind", "actor_id": "actor_kind"}
_UNIQUE = {"address", "external_id", "content_hash", "author_address", "dedupe_key"}
_LATER = {
    "postgresql": "{{name}} + k * {seconds} * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {{name}}, (k * {seconds}) || ' seconds') || '000'",
}
_SLOTS = {"opened_slot", "resolved_slot"}
_COPIES = "WITH RECURSIVE copies(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < {count})"


def multiply(database: Database, copies: int, apart: timedelta = timedelta(), tables: Sequence[str] = TABLES) -> None:
    """Add `copies` copies of every ticket with all that belongs to it, each so much later than the one before."""
    # Minutes of work are not what the limits of the product are made for.
    with database.transaction() as session:
        if session.postgres:
            session.execute(sa.text("SET LOCAL statement_timeout = 0"))
        else:
            session.execute(sa.text("PRAGMA cache_size = -500000"))
        for name in tables:
            session.execute(sa.text(_statement(metadata.tables[name], copies, database.engine.dialect, apart)))
        if session.postgres:
            for name in tables:
                if "id" in metadata.tables[name].c:
                    session.execute(sa.text(_next_id(name)))
    _refresh(database)


def _statement(table: sa.Table, copies: int, dialect: sa.Dialect, apart: timedelta) -> str:
    quote = dialect.identifier_preparer.quote
    names = [column.name for column in table.c]
    later = _LATER[dialect.name].format(seconds=apart.total_seconds())
    values = ", ".join(
        later.format(name=quote(column.name))
        if apart and isinstance(column.type, UTCDateTime)
        else f"{column.name} + k * {round(apart.total_seconds()) // SLOT_SECONDS}"
        if column.name in _SLOTS
        else _value(table, column.name, quote(column.name))
        for column in table.c
    )
    columns = ", ".join(quote(name) for name in names)
    where = "WHERE id NOT IN (SELECT id FROM agents)" if table.name == "people" else "WHERE true"
    # Copy after copy, so that ids rise: rows in a random order would touch every page of every index.
    start = _COPIES.format(count=copies)
    return f"{start} INSERT INTO {table.name} ({columns}) SELECT {values} FROM copies CROSS JOIN {table.name} {where}"


def _value(table: sa.Table, name: str, quoted: str) -> str:
    if name in _UNIQUE or (table.name == "thread_ids" and name == "message_id"):
        return f"{quoted} || '.' || CAST(k AS text)"
    if name in _IDS:
        return f"{quoted} + k * {STRIDE}"
    if name in _ACTORS:
        return f"CASE WHEN {_ACTORS[name]} = 'requester' THEN {quoted} + k * {STRIDE} ELSE {quoted} END"
    return quoted


def _next_id(name: str) -> str:
    return f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), greatest((SELECT max(id) FROM {name}), 1))"


def _refresh(database: Database) -> None:
    """What autovacuum would do in its own time, and then in the middle of a round."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
        else:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("ANALYZE")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
