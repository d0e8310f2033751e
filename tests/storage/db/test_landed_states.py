"""Migrations were edited while they were new: a database of every state that ever stood becomes what a new one is."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from storage.db import schema
from storage.db.session import Database
from tests.servers.postgres import Postgres
from tests.storage.db.schema_shape import shape

STATES = Path(__file__).parents[2] / "data" / "landed_states.tar.xz"
"""The files of migrations, by the commit at which one of them was another one than before."""
pytestmark = pytest.mark.slow
NAMES = (
    "4937fc6", "e393b9b", "aba09b8", "aed2369", "0d2ebf7", "a753bf2", "f185d05", "7b3e89b", "44d59d0", "58ded3b",
    "9ccda58", "520cb06", "00688fb",
)  # fmt: skip
MIGRATIONS = Path(schema.__file__).parents[1] / "migrations"
ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    with _empty(request, tmp_path, "old") as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def wanted(request: pytest.FixtureRequest, empty: Database, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that was made just now."""
    if empty.engine.dialect.name == "postgresql":
        server: Postgres = request.getfixturevalue("postgres_server")
        with server.fresh_database() as url:
            yield url
        return
    database = Database(str(tmp_path / "new.sqlite3"))
    schema.migrate(database)
    database.close()
    yield database.url


@contextmanager
def _empty(request: pytest.FixtureRequest, folder: Path, name: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(folder / f"{name}.sqlite3")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.empty_database() as url:
        yield url


def _bring_to(database: Database, state: str, folder: Path) -> None:
    with tarfile.open(STATES) as tar:
        tar.extractall(folder / "states", filter="data")
    scripts = folder / "states" / state
    (scripts / "versions").mkdir()
    for path in scripts.glob("m0*.py"):
        path.rename(scripts / "versions" / path.name)
    (scripts / "env.py").write_text(ENV)
    _upgrade(database, "head", scripts)


def _upgrade(database: Database, revision: str, scripts: Path = MIGRATIONS) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


@pytest.mark.parametrize("state", NAMES)
def test_every_landed_state_of_the_schema_becomes_the_present_one(
    state: str, empty: Database, wanted: str, tmp_path: Path
) -> None:
    _bring_to(empty, state, tmp_path)
    schema.migrate(empty)
    assert shape(empty.url) == shape(wanted)


def test_the_first_index_of_what_was_set_aside_becomes_the_present_one(empty: Database, wanted: str) -> None:
    """The very first 0001 made it from the tables of its time; nothing else of that state differs from 4937fc6."""
    _upgrade(empty, "0003")
    with empty.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_inbound_aside"))
        connection.execute(
            sa.text("CREATE INDEX ix_inbound_aside ON inbound (id) WHERE state in ('quarantined', 'refused')")
        )
    schema.migrate(empty)
    assert shape(empty.url) == shape(wanted)


def test_catching_up_again_changes_nothing(empty: Database, wanted: str) -> None:
    for _ in range(2):
        _upgrade(empty, "0004")
        with empty.engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    schema.migrate(empty)
    assert shape(empty.url) == shape(wanted)


def test_rows_of_the_first_shape_get_what_the_new_columns_ask_for(empty: Database, tmp_path: Path) -> None:
    _bring_to(empty, "0d2ebf7", tmp_path)
    at = "'2026-11-23 17:00:00'"
    rows = (
        f"INSERT INTO people (id, address, name, created_at) VALUES (7, 'c@x.example', '', {at})",
        f"INSERT INTO tickets (id, subject, status, priority, requester_id, channel, created_at, updated_at) "
        f"VALUES (1, 's', 'resolved', 'medium', 7, 'email', {at}, {at})",
        f"INSERT INTO ratings (id, ticket_id, asked_at, rated_at, score) VALUES (1, 1, {at}, {at}, 5)",
        f"INSERT INTO ratings (id, ticket_id, asked_at) VALUES (2, 1, {at})",
        f"INSERT INTO side_conversations (id, ticket_id, address, created_at) VALUES (1, 1, 'bank@x.example', {at})",
    )
    with empty.engine.begin() as connection:
        for row in rows:
            connection.execute(sa.text(row))
    schema.migrate(empty)
    with empty.engine.connect() as connection:
        ratings = connection.execute(sa.text("SELECT state, requester_id, score FROM ratings ORDER BY id")).all()
        side = connection.execute(sa.text("SELECT people, state, holds FROM side_conversations")).one()
    assert [tuple(row) for row in ratings] == [("rated", 7, 5), ("asked", 7, None)]
    assert ("bank@x.example" in str(side.people), side.state, bool(side.holds)) == (True, "open", False)
