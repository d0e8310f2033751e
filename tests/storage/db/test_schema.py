"""The migrations make exactly the tables that the code names, on both databases, also when killed or repeated."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.db import schema
from storage.db.session import Database
from storage.open_store import Store
from storage.tables.tickets import metadata
from tests.servers.postgres import Postgres

ROOT = Path(schema.__file__).parents[2]


def _differences(database: Database) -> list[object]:
    parts = ("", "_data", "_idx", "_docsize", "_config")
    words = ("message_search", "solved_search", "article_search", "message_folded", "message_grams", "people_grams")
    own = {f"{index}{part}" for index in words for part in (*parts, "_terms")}

    def ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
        return name not in own and name not in (
            "search",
            "ix_messages_search",
            "ix_solved_search",
            "ix_articles_search",
            "ix_messages_folded",
            "ix_messages_grams",
            "ix_people_grams",
        )

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": False})
        return list(compare_metadata(context, metadata))


def test_the_migrations_make_the_tables_that_the_code_names(any_store: Store) -> None:
    assert _differences(any_store.database) == []


def test_the_newest_migration_is_the_one_that_the_code_wants() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[1] / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.NEWEST


def test_what_serves_carries_no_alembic_and_what_watches_no_database(tmp_path: Path) -> None:
    carried = "import sys, {}; print(sorted({{'alembic', 'sqlalchemy', 'starlette', 'numpy'}} & set(sys.modules)))"
    for modules, expected in (("frontdesk", []), ("frontdesk, storage.open_store, gateway.run", ["sqlalchemy"])):
        command = [sys.executable, "-c", carried.format(modules)]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert said.strip() == str(expected)


def test_migrating_again_changes_nothing(any_store: Store) -> None:
    schema.migrate(any_store.database)
    assert schema.version(any_store.database) == schema.NEWEST


def test_a_database_of_a_newer_release_is_refused(any_store: Store) -> None:
    with any_store.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.NewerSchema, match="9999"):
        schema.migrate(any_store.database)


def test_a_migration_that_stops_halfway_runs_again_cleanly(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "half.sqlite3"))
    seen = []

    def stop(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)
        if len(seen) == 12:
            raise KeyboardInterrupt

    sa.event.listen(database.engine, "before_cursor_execute", stop)
    with pytest.raises(KeyboardInterrupt):
        schema.migrate(database)
    sa.event.remove(database.engine, "before_cursor_execute", stop)
    database.engine.dispose()
    schema.migrate(database)
    assert _differences(database) == []


def test_two_processes_may_migrate_at_once(postgres_server: Postgres) -> None:

    postgres_server.execute("CREATE DATABASE two_at_once")
    databases = [Database(postgres_server.url("two_at_once")) for _ in range(3)]
    threads = [threading.Thread(target=schema.migrate, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(schema.version(database) == schema.NEWEST for database in databases)
    for database in databases:
        database.close()
