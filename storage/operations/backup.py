"""Makes a backup of a running desk: first the database, then the blobs, which are only ever added to.

A backup folder has `database.*`, `blobs/`, `models/`, `secret.key` and `manifest.json`, which lists the rows and files
with their sizes. The database of a backup never names a blob that the backup lacks.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from desk.config.settings import Settings
from storage.db import schema
from storage.learning import models
from storage.open_store import Store, database_url
from storage.operations import pg_tools

FORMAT = 1
MANIFEST, SQLITE, POSTGRES = "manifest.json", "database.sqlite3", "database.pgdump"
_PIECE = 1 << 20


class BackupError(RuntimeError):
    """The backup or restore is refused; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a backup.

    Rows of each table, files with size and SHA-256, blobs (named by theirs) with their size.
    """

    made_at: str
    schema: str
    database: str
    rows: dict[str, int]
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Blobs that rows name and that were not there: erased meanwhile, or lost before."""
    format: int = FORMAT


def create_backup(store: Store, folder: Path, now: datetime) -> Manifest:
    """Writes a backup into an empty folder; the manifest is written last."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Before anything is in it: all that people wrote, and the key.
    folder.chmod(0o700)
    revision = schema.version(store.database)
    if revision is None:
        raise BackupError("there is no desk to back up: the database is empty")
    name, rows, named = _database(store, folder)
    blobs = dict(_blobs(store.settings.data / "blobs", folder / "blobs"))
    _copy_key_and_models(store, folder)
    lost = tuple(sorted(set(named) - set(blobs)))
    manifest = Manifest(now.isoformat(), revision, name, rows, dict(_files(folder)), blobs, lost)
    partial = folder / f".{MANIFEST}"
    partial.write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True), encoding="utf-8")
    partial.rename(folder / MANIFEST)
    _close(folder)
    return manifest


def _close(folder: Path) -> None:
    """Readable for its owner only, also where somebody copies a single file out of the folder."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup; BackupError where there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        content["files"] = {name: (int(size), str(digest)) for name, (size, digest) in content["files"].items()}
        manifest = Manifest(**content | {"missing": tuple(content["missing"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{folder} is no whole backup: its {MANIFEST} cannot be read") from error
    if manifest.format != FORMAT:
        raise BackupError(f"this backup has format {manifest.format}; this release reads {FORMAT}")
    return manifest


def list_faults(folder: Path, manifest: Manifest) -> list[str]:
    """The differences from the manifest, file by file; empty if there are none."""
    faults = [f"{name}: {_fault(folder / name, *expected)}" for name, expected in manifest.files.items()]
    faults += [
        f"blobs/{name}: {_fault(blob(folder / 'blobs', name), size, name)}" for name, size in manifest.blobs.items()
    ]
    return [line for line in faults if not line.endswith(": ")]


def sqlite_file(settings: Settings) -> Path:
    """The path of an SQLite desk."""
    return Path(database_url(settings).removeprefix("sqlite:///"))


def blob(folder: Path, name: str) -> Path:
    return folder / name[:2] / name[2:]


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file, read in pieces."""
    size, sha = 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            sha.update(piece)
    return size, sha.hexdigest()


def count_rows(path: Path) -> dict[str, int]:
    """Rows of each table of an SQLite file, which must be sound."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise BackupError(f"{path.name} is damaged: {verdict}")
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table_names = sorted(name for name in names if "_search" not in name and not name.startswith("sqlite_"))
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in table_names}


def _database(store: Store, folder: Path) -> tuple[str, dict[str, int], list[str]]:
    """Its file, its rows, and the large blobs that they name."""
    if store.database.engine.dialect.name == "postgresql":
        rows, named = pg_tools.dump(store.database, folder / POSTGRES)
        return POSTGRES, rows, named
    target = folder / SQLITE
    with sqlite3.connect(sqlite_file(store.settings)) as source, sqlite3.connect(target) as copy:
        # All pages in one step: a snapshot, beside which others go on writing.
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")
        named = [row[0] for row in copy.execute("SELECT sha256 FROM blobs WHERE data IS NULL")]
    return SQLITE, count_rows(target), named


def _blobs(source: Path, target: Path) -> Iterator[tuple[str, int]]:
    """Copies and measures every blob; leaves out those whose content does not match their name."""
    for path in sorted(source.glob("??/*")) if source.is_dir() else ():
        name = path.parent.name + path.name
        if path.name.startswith("."):
            continue
        place = blob(target, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, place)
        except FileNotFoundError:
            continue  # Erased meanwhile.
        size, is_in_it = digest(place)
        if is_in_it != name:
            place.unlink()
            continue
        yield name, size


def _copy_key_and_models(store: Store, folder: Path) -> None:
    """The key that signs links, and the models."""
    data = store.settings.data
    if (data / "secret.key").exists():
        shutil.copy2(data / "secret.key", folder / "secret.key")
    if (data / models.FOLDER).is_dir():
        shutil.copytree(data / models.FOLDER, folder / models.FOLDER, ignore=shutil.ignore_patterns(".*"))


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    """All but the blobs, which are named by their content."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("blobs/"):
            yield name, digest(path)


def _fault(path: Path, size: int, expected: str) -> str:
    try:
        actual = digest(path)
    except OSError:
        return "is not there"
    return "" if actual == (size, expected) else "is not what was backed up"


def is_empty_desk(database: Any) -> bool:
    """Whether nothing was ever received: then a restore needs no confirmation."""
    with database.engine.connect() as connection:
        names = set(sa.inspect(connection).get_table_names())
        return not any(
            name in names and connection.execute(sa.text(f"SELECT 1 FROM {name} LIMIT 1")).first()
            for name in ("inbound", "tickets", "agents")
        )
