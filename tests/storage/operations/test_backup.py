"""A desk is saved while it works and becomes a desk again; what is damaged, foreign or in the way is refused before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.db import schema
from storage.mail import inbound
from storage.open_store import Store, open_store
from storage.operations import backup, pg_tools, restore
from storage.operations.backup import BackupError
from storage.runtime import locks
from storage.tickets import tickets
from tests.servers import postgres
from tests.small_desk import BOB, SmallDesk

LARGE = "a line of a long letter\n" * 5000


@pytest.fixture
def place(any_store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Another, empty place of the same kind."""
    settings = replace(any_store.settings, data_dir=str(tmp_path / "other"))
    if any_store.database.engine.dialect.name == "sqlite":
        made = open_store(settings, migrate=False)
        yield made
        made.close()
        return
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    with server.fresh_database() as url:
        made = open_store(replace(settings, database_url=url))
        yield made
        made.close()


def counts(store: Store) -> dict[str, int]:
    if store.database.engine.dialect.name == "postgresql":
        return pg_tools.count_rows(store.database)
    return backup.count_rows(backup.sqlite_file(store.settings))


def test_a_desk_under_load_is_saved_and_the_restored_ledger_sums(
    any_store: Store, place: Store, tmp_path: Path
) -> None:
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(BOB, "first", LARGE))
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            desk.receive(desk.mail(BOB, "more", f"{desk.count} {LARGE}"))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        while len(desk.tickets()) < 5:
            stop.wait(0.01)
        made = backup.create_backup(any_store, tmp_path / "saved", desk.now)
    finally:
        stop.set()
        thread.join()
    assert backup.list_faults(tmp_path / "saved", made) == [] and made.missing == ()
    assert len(made.blobs) >= 5
    tried = restore.restore(tmp_path / "saved", place.settings, desk.now, over=False, dry_run=True)
    assert tried.blobs == len(made.blobs) and not (place.settings.data / "blobs").exists()
    restore.restore(tmp_path / "saved", place.settings, desk.now, over=False, dry_run=False)
    assert counts(place) == made.rows
    again = open_store(place.settings)
    with again.database.reading() as session:
        totals = inbound.totals(session, desk.now)
        assert totals.accepted == sum(totals.states.values()) + totals.unsettled >= 5
        kept = tickets.messages_of(session, 1)[0]
        assert again.blobs.missing(session, [kept.raw]) == []
        assert LARGE.strip() in (again.blobs.get(session, kept.raw) or b"").decode().replace("\r\n", "\n")
    again.close()


def saved(store: Store, folder: Path) -> SmallDesk:
    desk = SmallDesk(store)
    desk.receive(desk.mail(BOB, "first", LARGE))
    backup.create_backup(store, folder, desk.now)
    return desk


def test_what_is_damaged_is_refused_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    desk, folder = saved(store, tmp_path / "saved"), tmp_path / "saved"
    other = replace(store.settings, data_dir=str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    next(folder.glob("blobs/*/*")).write_bytes(b"x")
    with pytest.raises(BackupError, match="damaged"):
        restore.restore(folder, other, desk.now, over=False, dry_run=False)
    (folder / backup.MANIFEST).unlink()
    with pytest.raises(BackupError, match="no whole backup"):
        restore.restore(folder, other, desk.now, over=True, dry_run=False)
    assert not any((tmp_path / "other").glob("blobs/*"))


def test_a_desk_that_is_not_empty_is_kept_aside_and_only_when_asked(store: Store, tmp_path: Path) -> None:
    desk = saved(store, tmp_path / "saved")
    desk.receive(desk.mail(BOB, "second", "later"))
    store.close()
    with pytest.raises(BackupError, match="there is a desk already"):
        restore.restore(tmp_path / "saved", store.settings, desk.now, over=False, dry_run=False)
    done = restore.restore(tmp_path / "saved", store.settings, desk.now, over=True, dry_run=False)
    assert counts(store)["tickets"] == 1
    assert backup.count_rows(Path(done.aside) / "frontdesk.sqlite3")["tickets"] == 2


def test_a_folder_that_holds_something_is_not_written_into(store: Store, tmp_path: Path) -> None:
    desk = saved(store, tmp_path / "saved")
    with pytest.raises(BackupError, match="not empty"):
        backup.create_backup(store, tmp_path / "saved", desk.now)
    foreign = replace(store.settings, database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(BackupError, match="of SQLite and the desk is on PostgreSQL"):
        restore.restore(tmp_path / "saved", foreign, desk.now, over=False, dry_run=True)


def test_without_the_tool_the_command_is_told_and_never_the_password(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_tools, "_where", lambda _tool: None)
    from storage.db.session import Database

    database = Database("postgresql://desk:geheim@db.example.test/desk")
    with pytest.raises(
        pg_tools.ToolMissing, match=r"pg_restore .*--dbname=postgresql://desk@db\.example\.test/desk"
    ) as said:
        pg_tools.restore(database, tmp_path / "x")
    assert "geheim" not in str(said.value)
    database.close()


def test_nobody_else_reads_a_backup_and_a_refused_one_leaves_the_key(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.settings.data / "secret.key").write_bytes(b"the key of the backup")
    desk = saved(store, tmp_path / "saved")
    assert (tmp_path / "saved").stat().st_mode & 0o077 == 0
    other = replace(store.settings, data_dir=str(tmp_path / "other"))
    open_store(other).close()
    own = tmp_path / "other" / "secret.key"
    own.write_bytes(b"the key of the old desk")

    def refuse(*_: object) -> str:
        raise BackupError("the database refuses")

    monkeypatch.setattr(restore, "_put_sqlite", refuse)
    with pytest.raises(BackupError, match="refuses"):
        restore.restore(tmp_path / "saved", other, desk.now, over=True, dry_run=False)
    assert own.read_bytes() == b"the key of the old desk"


def test_a_desk_that_runs_is_not_restored_over_whatever_is_said(any_store: Store, place: Store, tmp_path: Path) -> None:
    """On another machine, say: nothing here tells that it runs but its leases."""
    desk = saved(any_store, tmp_path / "saved")
    schema.migrate(place.database)
    with place.database.transaction() as session:
        locks.acquire(session, "clock", "another machine", desk.now, timedelta(seconds=10))
    place.database.close()
    for over in (False, True):
        with pytest.raises(BackupError, match=r"running, or was until 09:00:10 UTC: somebody holds clock; stop"):
            restore.restore(tmp_path / "saved", place.settings, desk.now, over=over, dry_run=False)
    assert counts(place)["tickets"] == 0
    restore.restore(tmp_path / "saved", place.settings, desk.now, over=True, dry_run=True)
    later = desk.now + timedelta(seconds=11)
    place.database.close()
    restore.restore(tmp_path / "saved", place.settings, later, over=True, dry_run=False)
    assert counts(place)["tickets"] == 1


def test_a_console_elsewhere_that_holds_no_lease_is_seen_by_its_connection(
    postgres_server: postgres.Postgres, store: Store, tmp_path: Path
) -> None:
    with postgres_server.fresh_database() as first, postgres_server.fresh_database() as second:
        source = open_store(replace(store.settings, data_dir=str(tmp_path / "first"), database_url=first))
        desk = saved(source, tmp_path / "saved")
        source.close()
        console = open_store(replace(store.settings, data_dir=str(tmp_path / "second"), database_url=second))
        with console.database.reading(), pytest.raises(BackupError, match="running: 1 connections of Frontdesk"):
            restore.restore(tmp_path / "saved", console.settings, desk.now, over=True, dry_run=False)
        console.close()
