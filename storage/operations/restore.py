"""Restores a backup: checks it first, then the blobs, then the database that names them, and the key last.

The restored desk has exactly the rows of the manifest. The files of the SQLite desk that was there are moved away,
never deleted.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from desk.config.settings import Settings
from storage.db.session import Database
from storage.learning import models
from storage.open_store import database_url
from storage.operations import backup, pg_tools
from storage.operations.backup import BackupError, Manifest
from storage.runtime import locks


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, or would be."""

    manifest: Manifest
    blobs: int
    aside: str = ""


def restore(folder: Path, settings: Settings, now: datetime, *, over: bool, dry_run: bool) -> Restored:
    """Restores a backup. Raises BackupError before anything is written where the backup or the place is not right."""
    manifest = backup.read_manifest(folder)
    faults = backup.list_faults(folder, manifest)
    if faults:
        raise BackupError(f"the backup is damaged ({len(faults)} files): {'; '.join(faults[:3])}")
    database = Database(database_url(settings))
    try:
        _check(manifest, database, settings, folder, over=over)
        if not dry_run:
            _refuse_running(database, settings, now)
        new = [name for name in manifest.blobs if not backup.blob(settings.data / "blobs", name).exists()]
        if dry_run:
            return Restored(manifest, len(new))
        for name in new:
            _place(backup.blob(folder / "blobs", name), backup.blob(settings.data / "blobs", name))
        aside = ""
        if manifest.database == backup.POSTGRES:
            pg_tools.restore(database, folder / manifest.database)
            rows = pg_tools.count_rows(database)
        else:
            database.close()
            aside = _put_sqlite(folder, settings, now)
            rows = backup.count_rows(backup.sqlite_file(settings))
        # The key last: where the database refuses, the old desk goes on with its own.
        aside = _copy_key_and_models(folder, settings, now) or aside
    finally:
        database.close()
    wrong = sorted(name for name, count in manifest.rows.items() if rows.get(name) != count)
    if wrong:
        raise BackupError(f"restored, but these tables have other rows than the backup: {', '.join(wrong)}")
    return Restored(manifest, len(new), aside)


def _check(manifest: Manifest, database: Database, settings: Settings, folder: Path, *, over: bool) -> None:
    is_postgres = database.engine.dialect.name == "postgresql"
    if is_postgres != (manifest.database == backup.POSTGRES):
        here, there = ("PostgreSQL", "SQLite") if is_postgres else ("SQLite", "PostgreSQL")
        raise BackupError(f"this backup is of {there} and the desk is on {here}: set FRONTDESK_DATABASE_URL")
    # Looking into an SQLite file that is not there would make one.
    is_new = not is_postgres and not backup.sqlite_file(settings).exists()
    if not over and not is_new and not backup.is_empty_desk(database):
        raise BackupError("there is a desk already: --yes restores over it (SQLite's files are kept aside)")
    key, own = folder / "secret.key", settings.data / "secret.key"
    if key.exists() and own.exists() and not over and key.read_bytes() != own.read_bytes():
        raise BackupError("another secret.key is here already: --yes takes the backup's and keeps this one aside")


def _refuse_running(database: Database, settings: Settings, now: datetime) -> None:
    """Refuses while a process works on the desk, on this machine or another; --yes does not change that."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    if is_sqlite and not backup.sqlite_file(settings).exists():
        return
    with database.reading() as session:
        if not sa.inspect(session.connection).has_table("leases"):
            return
        active_leases = locks.held_leases(session, now)
        others = 0 if is_sqlite else int(session.execute(_OTHERS).scalar_one())
    if others:
        raise BackupError(f"the desk is running: {others} connections of Frontdesk to this database; {_STOP}")
    if active_leases:
        names, end = ", ".join(name for name, _ in active_leases), max(end for _, end in active_leases)
        raise BackupError(f"the desk is running, or was until {end:%H:%M:%S} UTC: somebody holds {names}; {_STOP}")


_OTHERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontdesk' "
    "AND pid <> pg_backend_pid()"
)
_STOP = "stop gateways, workers and consoles on all machines first"


def _copy_key_and_models(folder: Path, settings: Settings, now: datetime) -> str:
    """Models and the key; a key that is replaced is kept."""
    aside = ""
    if (folder / models.FOLDER).is_dir():
        shutil.copytree(folder / models.FOLDER, settings.data / models.FOLDER, dirs_exist_ok=True)
    key, own = folder / "secret.key", settings.data / "secret.key"
    if key.exists():
        if own.exists() and own.read_bytes() != key.read_bytes():
            aside = str(_moved([own], settings, now))
        _place(key, own)
        own.chmod(0o600)
    return aside


def _put_sqlite(folder: Path, settings: Settings, now: datetime) -> str:
    """The file takes its place at once; the old one with its log lies aside."""
    path = backup.sqlite_file(settings)
    parts = (path, *(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm")))
    old = [part for part in parts if part.exists()]
    aside = _moved(old, settings, now) if old else ""
    _place(folder / backup.SQLITE, path)
    return str(aside)


def _moved(files: list[Path], settings: Settings, now: datetime) -> Path:
    aside = settings.data / f"before-restore-{now:%Y%m%d-%H%M%S}"
    aside.mkdir(parents=True, exist_ok=True)
    for path in files:
        path.rename(aside / path.name)
    return aside


def _place(source: Path, target: Path) -> None:
    """On disk under another name before it has its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.restoring")
    with source.open("rb") as reader, partial.open("wb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fsync(writer.fileno())
    partial.rename(target)
