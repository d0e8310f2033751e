"""The spine: ledgers, tickets, messages, events, threads, people, search."""

from __future__ import annotations

from alembic import op

from storage.search import POSTGRES_INDEX, SQLITE_INDEX
from storage.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    for statement in POSTGRES_INDEX if op.get_bind().dialect.name == "postgresql" else SQLITE_INDEX:
        op.execute(statement)
