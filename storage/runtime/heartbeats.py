"""Heartbeats: each running process records its state every few seconds, so that `/readyz` knows which ones work.

A thread that has ended cannot report itself, so its process reports it; a process without a recent heartbeat is
missing.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa
import structlog

from storage.db.session import Database, Session
from storage.db.statements import upsert
from storage.tables.runtime import heartbeats

log = structlog.get_logger()

EVERY = timedelta(seconds=10)
PATIENCE = timedelta(seconds=30)
"""Whoever has said nothing for so long does not work."""
KEPT = timedelta(days=1)
WORKER, SCHEDULER, GATEWAY = "worker", "scheduler", "gateway"


Report = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last heartbeat of one process, or of its scheduler."""

    name: str
    kind: str
    at: datetime
    data: Mapping[str, Any]


def record_heartbeat(session: Session, name: str, kind: str, now: datetime, data: Mapping[str, Any]) -> None:
    """Stores a heartbeat with the process's state; deletes heartbeats older than a day."""
    session.execute(sa.delete(heartbeats).where(heartbeats.c.at < now - KEPT))
    upsert(session, heartbeats, ("name",), {"name": name, "kind": kind, "at": now, "data": dict(data)})


def remove_heartbeat(session: Session, name: str) -> None:
    """The process stops on purpose and is not missed."""
    session.execute(sa.delete(heartbeats).where(heartbeats.c.name == name))


def live_heartbeats(session: Session, now: datetime) -> list[Heartbeat]:
    """Recent heartbeats; one from the future was written with a wrong clock, and does not count."""
    near = heartbeats.c.at.between(now - PATIENCE, now + PATIENCE)
    rows = session.execute(sa.select(heartbeats).where(near).order_by(heartbeats.c.name))
    return [Heartbeat(**row._mapping) for row in rows]


def silent_queues(beats: list[Heartbeat], queues: tuple[str, ...]) -> list[str]:
    """The queues that no live worker processes."""
    working = {queue for beat in beats if beat.kind == WORKER for queue in _working(beat.data)}
    return [queue for queue in queues if queue not in working]


def _working(data: Mapping[str, Any]) -> set[str]:
    return set(data.get("queues", ())) - set(data.get("silent", ()))


@contextmanager
def send_heartbeats(database: Database, kind: str, report: Report) -> Iterator[None]:
    """Records the state that `report` returns, at once and every few seconds within the block."""
    name = f"{kind}:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    stop = Event()

    def run() -> None:
        while not stop.wait(EVERY.total_seconds()):
            _beat(database, name, kind, report)

    _beat(database, name, kind, report)
    thread = Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(EVERY.total_seconds())
        _end(database, name)


def _beat(database: Database, name: str, kind: str, report: Report) -> None:
    """Records one heartbeat; while the database is down the missing heartbeat says so."""
    try:
        data = report()
        with database.transaction() as session:
            record_heartbeat(session, name, kind, datetime.now(UTC), data)
    except sa.exc.DBAPIError as error:
        log.warning("heartbeat_failed", error=type(error).__name__)
    except Exception:
        log.exception("heartbeat_failed")


def _end(database: Database, name: str) -> None:
    try:
        with database.transaction() as session:
            remove_heartbeat(session, name)
    except sa.exc.DBAPIError as error:
        log.warning("heartbeat_not_ended", error=type(error).__name__)
