"""Column types of the tables: ids, references, texts, JSON and moments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: timestamptz on PostgreSQL, UTC text on SQLite; always aware, always UTC in Python."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def identity() -> sa.Column[int]:
    return sa.Column("id", BigId, sa.Identity(always=False), primary_key=True)


def ref(name: str, target: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(target), **options)


def text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", **options)


def json(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False, server_default=default)


def at(name: str, **options: Any) -> sa.Column[datetime]:
    return sa.Column(name, UTCDateTime, **options)


AUTOINCREMENT: dict[str, Any] = {"sqlite_autoincrement": True}


def unique_name() -> sa.Column[str]:
    return sa.Column("name", sa.Text, nullable=False, unique=True)


def flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def number(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=str(default))
