"""How a command gets at the desk: its record, checked to be there and of this release, and whether it is running now.

In: settings. Out: an open Store, or Trouble with one sentence that says what to do.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from desk.settings import Settings
from storage import schema
from storage.store import Store, database_url, open_store
from storage.transaction import is_unavailable

DATABASE_AWAY = 69
RUNNING = "running.json"
"""Written by `frontdesk up`: where the processes of this data folder are."""

log = structlog.get_logger()


class Trouble(RuntimeError):
    """Something that the person at the keyboard can mend; the text says how. `code` is the exit status."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The desk's record. What a command writes is announced to the running desk, if there is one."""
    if not settings.database_url and not Path(database_url(settings)).exists():
        raise Trouble(f"there is no desk in {settings.data.absolute()}: run `frontdesk init` or `frontdesk up` first")
    store = open_store(_with_running_queue(settings), pool_size=2)
    try:
        _check_schema(store)
        yield store
    finally:
        store.close()


@contextmanager
def serving(settings: Settings) -> Iterator[Store]:
    """The record for a process that serves, brought up to date first. A database that is away now is waited for later,
    one by one request."""
    ensure_folder(settings)
    store = open_store(settings)
    try:
        _bring_up_to_date(store)
        yield store
    finally:
        store.close()


def ensure_folder(settings: Settings) -> None:
    """The data folder is there and can be written; raises Trouble otherwise."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Trouble(f"the data folder {settings.data.absolute()} cannot be written: {error.strerror}", 73) from error


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the data folder, so that no second `frontdesk up` runs on it."""
    with (settings.data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = running(settings).get("pid", "unknown")
            raise Trouble(f"another frontdesk (process {who}) runs on {settings.data.absolute()}", 75) from None
        try:
            yield
        finally:
            (settings.data / RUNNING).unlink(missing_ok=True)


def note_running(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Tell other commands where the running desk is."""
    path = settings.data / RUNNING
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps({"pid": os.getpid(), **facts}))
    partial.rename(path)


def running(settings: Settings) -> dict[str, Any]:
    """What the running desk said of itself; empty if none runs here."""
    with suppress(OSError, ValueError):
        facts = json.loads((settings.data / RUNNING).read_text())
        os.kill(int(facts["pid"]), 0)
        return dict(facts)
    return {}


def _with_running_queue(settings: Settings) -> Settings:
    return settings if settings.redis_url else replace(settings, redis_url=running(settings).get("redis_url", ""))


def _bring_up_to_date(store: Store) -> None:
    try:
        schema.migrate(store.database)
    except schema.NewerSchema as error:
        raise Trouble(str(error)) from error
    except sa.exc.DBAPIError as error:
        if not is_unavailable(error):
            raise Trouble(f"the database refuses: {first_line(error)}", DATABASE_AWAY) from error
        log.warning("database_awaited", error=first_line(error))


def _check_schema(store: Store) -> None:
    try:
        found = schema.version(store.database)
    except sa.exc.DBAPIError as error:
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    if found != schema.newest():
        raise Trouble(f"the database is at {found}, this release is at {schema.newest()}: run `frontdesk init`")


def first_line(error: sa.exc.DBAPIError) -> str:
    """What the driver said, without statement, parameters and hints."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error).__name__
