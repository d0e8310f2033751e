"""What every process opens first: the database, the blobs and the key, as the settings say."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desk.config.settings import BadSetting, Settings
from storage.db import schema
from storage.db.session import Bell, Database, NoBell
from storage.runtime.blobs import BlobStore
from storage.runtime.queue import QueueBell, broker


@dataclass(frozen=True)
class Store:
    """The record of one desk. Close it when the process ends."""

    settings: Settings
    database: Database
    blobs: BlobStore
    secret: bytes

    def close(self) -> None:
        self.database.close()


def open_store(settings: Settings, *, migrate: bool = False, pool_size: int = 10) -> Store:
    """Open the record; `migrate` brings its tables up to date first. Rings go to `settings.redis_url` if it is set."""
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(database_url(settings), _bell(settings), pool_size)
    if migrate:
        schema.migrate(database)
    return Store(settings, database, BlobStore(settings.data / "blobs"), _secret(settings))


def database_url(settings: Settings) -> str:
    return settings.database_url or str((settings.data / "frontdesk.sqlite3").absolute())


def _bell(settings: Settings) -> Bell:
    return QueueBell(broker(settings.redis_url, for_workers=False)) if settings.redis_url else NoBell()


def _secret(settings: Settings) -> bytes:
    """The signing key: the setting, or a file of 32 random bytes (hex) in the data folder, made once."""
    if settings.secret_key:
        return settings.secret_key.encode()
    path = settings.data / "secret.key"
    if not path.exists():
        _make_secret(path)
    return _read_secret(path)


def _make_secret(path: Path) -> None:
    """Written beside its place and linked, so that nobody reads half a key, and two who make one keep the first."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(partial, path)
    partial.unlink()


def _read_secret(path: Path) -> bytes:
    text = path.read_text().strip()
    if len(text) < 32:
        raise BadSetting("FRONTDESK_SECRET_KEY", f"{path} holds no key; restore it from the backup")
    return text.encode()
