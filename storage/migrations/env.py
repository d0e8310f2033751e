"""Alembic's entry: runs the migrations on the connection that `storage.schema` hands over."""

from __future__ import annotations

from alembic import context

from storage import tables_desk, tables_figures, tables_learning, tables_people, tables_running
from storage.tables import metadata

# Each module adds its tables to the same metadata.
for module in (tables_desk, tables_figures, tables_learning, tables_people, tables_running):
    assert module.metadata is metadata
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
