"""The schema's version: migrates a database to the version of this code, and refuses a newer one.

Alembic is imported only where there is something to migrate, because a serving process would keep it in memory.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from storage.db.session import Database

NEWEST = "0011"
"""The migration that this code wants; a test holds it to the files beside."""


class NewerSchema(RuntimeError):
    """The database was migrated by a newer release; this one must not write to it."""


def migrate(database: Database) -> None:
    """Migrates the database to this code; may be run again after a kill, and by several processes at once."""
    if version(database) != NEWEST:
        _upgrade(database)


def version(database: Database) -> str | None:
    """The revision of the database; None for an empty one."""
    with database.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision


def _upgrade(database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_lock(70210)")
        revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in revisions:
            raise NewerSchema(f"the database is at {current}, which this release does not know; upgrade Frontdesk")
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_unlock(70210)")
            connection.commit()
