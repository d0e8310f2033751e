"""How a command gets at the desk: its record, checked to be there and of this release, and whether it is running now.

In: settings. Out: an open Store, or Trouble with one sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
import structlog

from cli.data_folder import ensure_folder, running
from cli.trouble import Trouble
from desk.config.settings import Settings
from storage.db import schema
from storage.db.session import is_unavailable
from storage.open_store import Store, database_url, open_store
from storage.runtime import memory, secret_key

DATABASE_AWAY = 69
log = structlog.get_logger()


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The desk's record. What a command writes is announced to the running desk, if there is one."""
    if not settings.database_url and not Path(database_url(settings)).exists():
        raise Trouble(f"there is no desk in {settings.data.absolute()}: run `frontdesk init` or `frontdesk up` first")
    try:
        store = open_store(_with_running_queue(settings), pool_size=2)
    except sa.exc.DBAPIError as error:
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    try:
        _check_record(store)
        yield store
    finally:
        store.close()


@contextmanager
def serving(settings: Settings) -> Iterator[Store]:
    """The record for a process that serves, brought up to date first. A database that is away now is waited for later,
    one by one request."""
    memory.limit_memory()
    ensure_folder(settings)
    try:
        store = open_store(settings)
    except sa.exc.DBAPIError as error:
        # Only without a key: whether one may be made, the database must say.
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    try:
        _bring_up_to_date(store)
        yield store
    finally:
        store.close()


def _with_running_queue(settings: Settings) -> Settings:
    return settings if settings.redis_url else replace(settings, redis_url=running(settings).get("redis_url", ""))


def _bring_up_to_date(store: Store) -> None:
    try:
        schema.migrate(store.database)
        secret_key.check(store.database, store.secret)
    except schema.NewerSchema as error:
        raise Trouble(str(error)) from error
    except sa.exc.DBAPIError as error:
        if not is_unavailable(error):
            raise Trouble(f"the database refuses: {first_line(error)}", DATABASE_AWAY) from error
        log.warning("database_awaited", error=first_line(error))


def _check_record(store: Store) -> None:
    try:
        found = schema.version(store.database)
    except sa.exc.DBAPIError as error:
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    if found != schema.NEWEST:
        raise Trouble(f"the database is at {found}, this release is at {schema.NEWEST}: run `frontdesk init`")
    secret_key.check(store.database, store.secret)


def first_line(error: sa.exc.DBAPIError) -> str:
    """What the driver said, without statement, parameters and hints."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error).__name__
