"""Opens the store that every process needs: the database, the blobs and the signing key, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass

from desk.config.settings import Settings
from storage.db import schema
from storage.db.session import Database, NullQueue, Queue
from storage.runtime import secret_key
from storage.runtime.blobs import BlobStore
from storage.runtime.queue import RedisQueue, broker


@dataclass(frozen=True)
class Store:
    """The store of one desk. Close it when the process ends."""

    settings: Settings
    database: Database
    blobs: BlobStore
    secret: bytes

    def close(self) -> None:
        self.database.close()


def open_store(settings: Settings, *, migrate: bool = False, pool_size: int = 10) -> Store:
    """Open the record; `migrate` brings its tables up to date first, and checks the key against them.

    Jobs go to `settings.redis_url` if it is set.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database(database_url(settings), _queue(settings), pool_size)
    if migrate:
        schema.migrate(database)
    secret = secret_key.load(settings, database)
    if migrate:
        secret_key.check(database, secret)
    return Store(settings, database, BlobStore(settings.data / "blobs"), secret)


def database_url(settings: Settings) -> str:
    return settings.database_url or str((settings.data / "frontdesk.sqlite3").absolute())


def _queue(settings: Settings) -> Queue:
    return RedisQueue(broker(settings.redis_url, for_workers=False)) if settings.redis_url else NullQueue()
