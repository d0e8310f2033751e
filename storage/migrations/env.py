"""Alembic's entry: runs the migrations on the connection that `storage.db.schema` hands over."""

from __future__ import annotations

from alembic import context

from storage.tables import desk as desk_tables
from storage.tables import learning as learning_tables
from storage.tables import people as people_tables
from storage.tables import reports as report_tables
from storage.tables import runtime as runtime_tables
from storage.tables.tickets import metadata

# Each module adds its tables to the same metadata.
for module in (desk_tables, report_tables, learning_tables, people_tables, runtime_tables):
    assert module.metadata is metadata
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
