"""Stored addresses get one spelling, and mail that waits gets a row for each recipient; nothing is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from storage.db import schema
from storage.db.session import Database
from tests.servers.postgres import Postgres

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
UMLAUT, ASCII = "info@müller.example", "info@xn--mller-kva.example"


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    return config


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database as it was before this migration."""
    url = str(tmp_path / "old.sqlite3")
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres_server")
        server.execute("CREATE DATABASE delivery_before")
        url = server.url("delivery_before")
    database = Database(url)
    with database.engine.connect() as connection:
        config = _config(connection)
        revision = ScriptDirectory.from_config(config).get_revision("0007")
        assert revision is not None and isinstance(revision.down_revision, str)
        command.upgrade(config, revision.down_revision)
        connection.commit()
    yield database
    database.close()
    if request.param == "postgresql":
        server.execute("DROP DATABASE delivery_before")


def test_old_rows_are_respelled_and_waiting_mail_is_split(before: Database) -> None:
    content = {"cc": ["carol@x.example", "bob@x.example"], "from": "s@d", "text": "t"}
    with before.engine.begin() as connection:
        for number, address in enumerate([UMLAUT, "a@käse.example", "a@xn--kse-qla.example", "x@y.example"], 1):
            values = {"id": number, "address": address, "now": NOW}
            connection.execute(
                sa.text("INSERT INTO people (id, address, created_at) VALUES (:id, :address, :now)"), values
            )
        insert = (
            "INSERT INTO outbound (dedupe_key, kind, recipient, external_id, content, state, next_at, created_at)"
            " VALUES (:key, 'reply', 'bob@x.example', :key, :content, :state, :now, :now)"
        )
        for key, state in (("one", "queued"), ("two", "sent")):
            values = {"key": key, "state": state, "content": json.dumps(content), "now": NOW}
            connection.execute(sa.text(insert), values)
    schema.migrate(before)
    with before.engine.connect() as connection:
        people = list(connection.execute(sa.text("SELECT address FROM people ORDER BY id")).scalars())
        rows = connection.execute(sa.text("SELECT dedupe_key, kind, recipient, state FROM outbound ORDER BY id")).all()
    assert people == [ASCII, "a@käse.example", "a@xn--kse-qla.example", "x@y.example"]
    assert [tuple(row) for row in rows] == [
        ("one", "reply", "bob@x.example", "queued"),
        ("two", "reply", "bob@x.example", "sent"),
        ("one:carol@x.example", "copy", "carol@x.example", "queued"),
    ]
