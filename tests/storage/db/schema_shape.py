"""What a database's tables are like, so that two ways to make them can be compared: columns, keys, indexes, triggers.

The order of a table's columns is left out: a column that was added later is the last one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

Shape = dict[tuple[str, ...], tuple[Any, ...]]

_POSTGRESQL = (
    "SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, is_identity "
    "FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
)
_SQLITE = (
    "SELECT 'column', t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_master t, "
    "pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
    'SELECT \'key\', t.name, k."from", k."table", k."to" FROM sqlite_master t, pragma_foreign_key_list(t.name) k '
    "WHERE t.type = 'table'",
    "SELECT type, tbl_name, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
)


def shape(url: str) -> Shape:
    """Each thing by its kind, table and name."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            queries = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
            rows = [tuple(row) for query in queries for row in connection.exec_driver_sql(query)]
    finally:
        engine.dispose()
    return {row[:3]: tuple(_plain(value) for value in row[3:]) for row in rows}


def _plain(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value
