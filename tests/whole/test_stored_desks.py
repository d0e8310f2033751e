"""Desks that earlier releases made by real use are brought up to date on both databases: every row stays, work goes on.

The desks lie in tests/data/desks; `make.py` there says how each was made.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk.config.settings import Settings
from desk.tickets.ticket import Actor, ActorKind, Status
from storage.db.session import normal_url
from storage.open_store import Store, database_url, open_store
from storage.people import people
from storage.tickets import tickets
from tests.servers.postgres import Postgres
from tests.small_desk import SmallDesk, categoriser
from tests.storage.db.schema_shape import shape
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.runtime.context import Context
from workers.timers import report_rollup

pytestmark = pytest.mark.slow

DESKS = Path(__file__).parent.parent / "data" / "desks"
COUNTED = {"ticket_facts": {"last_event_id"}}
"""Columns that say only how far something was counted."""
MOVED = {"people": {"slack_user"}}
"""Columns whose values stand in another table now."""
CAROL = "carol@customer.example.test"

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class StoredDesk:
    """A desk as that release left it, not yet brought up to date."""

    release: str
    settings: Settings
    rows: Rows


@pytest.fixture(params=sorted(path.name.removesuffix(".tar.gz") for path in DESKS.glob("*.tar.gz")))
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredDesk]:
    folder = tmp_path / "data"
    with tarfile.open(DESKS / f"{request.param}.tar.gz") as tar:
        tar.extractall(folder, filter="data")
    if request.param.endswith("sqlite"):
        yield _stored(request.param, Settings(data_dir=str(folder)))
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.empty_database() as url:
        server.load(folder / "desk.sql", url)
        yield _stored(request.param, Settings(data_dir=str(folder), database_url=url))


def _stored(name: str, settings: Settings) -> StoredDesk:
    return StoredDesk(name.partition("-")[0], settings, _rows(settings))


def _rows(settings: Settings) -> Rows:
    """Every row of every table, as plain values."""
    engine = sa.create_engine(normal_url(database_url(settings)))
    try:
        with engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            rows = {name: connection.execute(sa.text(f'SELECT * FROM "{name}"')).mappings().all() for name in names}
    finally:
        engine.dispose()
    return {name: [dict(row) for row in some] for name, some in rows.items() if not name.endswith("_config")}


def _sorted(rows: list[dict[str, Any]], columns: set[str]) -> list[str]:
    return sorted(json.dumps({name: row[name] for name in columns}, default=str, sort_keys=True) for row in rows)


def _upgraded(stored: StoredDesk) -> Store:
    return open_store(stored.settings, migrate=True)


def test_an_older_desk_gets_the_tables_of_a_new_one(
    stored: StoredDesk, sqlite_template: Path, request: pytest.FixtureRequest
) -> None:
    assert ("day_figures" in stored.rows) == (stored.release == "96a435c")
    _upgraded(stored).close()
    new = normal_url(str(sqlite_template))
    if stored.settings.database_url:
        new = request.getfixturevalue("postgres_url")
    assert shape(normal_url(database_url(stored.settings))) == shape(new)


def test_an_older_desk_keeps_every_row(stored: StoredDesk) -> None:
    assert {"tickets", "messages", "events", "macros", "articles"} <= {
        name for name, rows in stored.rows.items() if rows
    }
    _upgraded(stored).close()
    now = _rows(stored.settings)
    for name, rows in stored.rows.items():
        if rows and name not in ("alembic_version", "settings"):
            columns = set(rows[0]) - COUNTED.get(name, set()) - MOVED.get(name, set())
            assert _sorted(now[name], columns) == _sorted(rows, columns), name


def test_an_older_desks_accounts_in_slack_stay_with_their_people(stored: StoredDesk) -> None:
    first = min(person["id"] for person in stored.rows["people"])
    _link_account(stored, first, "slack:T0DESK:U0ANN")
    _upgraded(stored).close()
    rows = _rows(stored.settings)["channel_accounts"]
    assert [(row["channel"], row["account"], row["person_id"]) for row in rows] == [
        ("slack", "slack:T0DESK:U0ANN", first)
    ]


def _link_account(stored: StoredDesk, person_id: int, account: str) -> None:
    """As an agent of that release did it; the stored desks have no Slack."""
    engine = sa.create_engine(normal_url(database_url(stored.settings)))
    statement = sa.text("UPDATE people SET slack_user = :account WHERE id = :id")
    with engine.begin() as connection:
        connection.execute(statement, {"account": account, "id": person_id})
    engine.dispose()


def test_an_older_desks_own_settings_stay(stored: StoredDesk) -> None:
    _upgraded(stored).close()
    before, after = (_settings_of(rows) for rows in (stored.rows, _rows(stored.settings)))
    assert {key: after.get(key) for key in before if key not in ("ticket_facts", "day_figures")} == {
        key: value for key, value in before.items() if key not in ("ticket_facts", "day_figures")
    }


def _settings_of(rows: Rows) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in rows["settings"]}


class Continued(SmallDesk):
    """The stored desk at work, some days later."""

    def __init__(self, store: Store) -> None:
        self.store, self.count, self.delivers = store, 0, True
        self.now = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
        self.context = Context(store, categoriser(), now=lambda: self.now)


def test_an_older_desk_works_on(stored: StoredDesk) -> None:
    """A new mail and its answer; a requester answers to an address that the older release signed; an old file opens."""
    store = _upgraded(stored)
    try:
        desk = Continued(store)
        before = len(desk.tickets())
        desk.receive(desk.mail(CAROL, "After the upgrade", "Is anybody there?"))
        assert len(desk.tickets()) == before + 1
        number = max(ticket.id for ticket in desk.tickets())
        _answer(desk, number)
        assert [row["state"] for row in desk.letters("reply", CAROL) if row["ticket_id"] == number] == ["caught"]
        old = next(ticket for ticket in desk.tickets() if ticket.subject == "The printer eats paper")
        messages = len(desk.messages(old.id))
        desk.receive(desk.mail(CAROL, "Re: printer", "It burns now.", to=_signed_address(desk, old.id)))
        assert len(desk.messages(old.id)) == messages + 1
        _files_open(desk, old.id)
    finally:
        store.close()


def _answer(desk: Continued, number: int) -> None:
    with desk.store.database.transaction() as session:
        agent = people.all_agents(session)[0]
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        conversation.reply(
            session, ticket, Written(Actor(ActorKind.AGENT, agent.id, agent.name), "We are.", desk.now, via="console")
        )
    desk.work()
    assert desk.ticket(number).status is Status.PENDING


def _signed_address(desk: Continued, number: int) -> str:
    addresses = [str(row["content"].get("reply_to")) for row in _contents(desk, number)]
    return next(address for address in addresses if re.match(r"support\+.*@desk\.example\.test", address))


def _contents(desk: Continued, number: int) -> list[Mapping[str, Any]]:
    return [row for row in desk.letters("reply", CAROL) if row["ticket_id"] == number]


def _files_open(desk: Continued, number: int) -> None:
    files = [file for message in desk.messages(number) for file in message.attachments]
    assert [file.name for file in files] == ["screen.png"]
    with desk.store.database.reading() as session:
        assert desk.store.blobs.get(session, files[0].sha256) == b"\x89PNG" * 500


def test_the_figures_of_an_older_desk_are_those_of_its_events(stored: StoredDesk) -> None:
    store = _upgraded(stored)
    try:
        now = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
        report_rollup.catch_up(store, now)
        report_rollup.sum_up(store, now)
        checked = report_rollup.check(store)
        assert checked.tickets > 0
        assert (checked.tickets_wrong, checked.days_wrong) == (0, 0)
        with store.database.reading() as session:
            letters = session.execute(sa.text("SELECT letters FROM ticket_facts")).scalars().all()
    finally:
        store.close()
    assert all(len(text) == 6 for text in letters)
