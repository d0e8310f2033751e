"""Opens transactions: `transaction()` is the only way to write. Jobs enqueued in it are pushed after its COMMIT only.

SQLite: WAL, `synchronous=FULL`, and `BEGIN IMMEDIATE`, because a deferred BEGIN loses transactions under load; writers
queue for a lock (`storage/db/sqlite_write_lock.py`). PostgreSQL: psycopg 3, READ COMMITTED.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from desk.access.visibility import EVERYBODY, Viewer
from storage.db.sqlite_write_lock import SqliteWriteLock

BUSY_SECONDS = 30


class Queue(Protocol):
    """Where jobs wait for the workers: names of jobs and ids of rows, never contents."""

    def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Push (job, row) pairs; must never raise: the scheduler enqueues again what was not pushed."""


class NullQueue:
    """Drops all jobs: for commands that write where no worker needs to run."""

    def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
        return None


class Session:
    """One open transaction: executes statements, and keeps the enqueued jobs until the COMMIT.

    `viewer` is the person for whom it reads; queries leave out what they may not see
    (`storage/access/visibility.py`). `reads` maps the private tickets that they read to their teams, for the audit
    log. `via` is the channel by which somebody acts ("slack"); every event that is stored names it.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.enqueued: dict[tuple[str, int], None] = {}
        self.viewer: Viewer = EVERYBODY
        self.reads: dict[int, int] = {}
        self.via = ""

    def execute(
        self, statement: sa.Executable, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Rolls back the rows, the enqueued jobs and the noted reads of the block if it raises."""
        enqueued, reads, via = dict(self.enqueued), dict(self.reads), self.via
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            self.enqueued, self.reads, self.via = enqueued, reads, via
            raise

    @property
    def postgres(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def overwrite_deleted(self) -> None:
        """SQLite: overwrites with zeros what this connection deletes from now on."""
        if not self.postgres:
            self.connection.exec_driver_sql("PRAGMA secure_delete=ON")


def enqueue(session: Session, job: str, row_id: int) -> None:
    """Enqueues `job` with the row `row_id`; it is pushed once this transaction is on disk."""
    session.enqueued[(job, row_id)] = None


class Database:
    """An engine and its queue. `url` is a SQLAlchemy URL (`sqlite:////path` or `postgresql+psycopg://…`)."""

    def __init__(self, url: str, queue: Queue | None = None, pool_size: int = 10) -> None:
        self.url = normal_url(url)
        self.queue: Queue = queue or NullQueue()
        self.engine = _engine(self.url, pool_size)
        is_file = self.engine.dialect.name == "sqlite"
        self._write_lock = SqliteWriteLock(Path(self.engine.url.database or "")) if is_file else None

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[Session]:
        """A transaction that may write. Commits at the end of the block, rolls back if it raises.

        A dry run executes the block, rolls it back, and enqueues nothing.
        """
        with self._lock_for_writing(), self.engine.connect() as connection:
            session = Session(connection)
            with connection.begin() as begun:
                yield session
                if dry_run:
                    begun.rollback()
        if session.enqueued and not dry_run:
            self.queue.enqueue(list(session.enqueued))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; on SQLite it does not wait for writers."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(frontdesk_reading=True)
            with connection.begin():
                yield Session(connection)

    @property
    def has_single_writer(self) -> bool:
        """SQLite: one writer keeps all others from writing, so the time between BEGIN and COMMIT must be short."""
        return self._write_lock is not None

    def checkpoint_log(self) -> None:
        """SQLite: writes the WAL into the database file, so that deleted content is in neither."""
        if self._write_lock is None:
            return
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def _lock_for_writing(self) -> AbstractContextManager[None]:
        return self._write_lock.hold(BUSY_SECONDS) if self._write_lock else nullcontext()

    def close(self) -> None:
        self.engine.dispose()


def normal_url(url: str) -> str:
    """`postgres://` and `postgresql://` mean psycopg 3; a bare path means SQLite."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url if "://" in url else f"sqlite:///{Path(url).absolute()}"


def is_disk_full(error: BaseException) -> bool:
    """Whether the database refused because the disk is full: then SMTP answers 452."""
    text = str(error).lower()
    return "disk is full" in text or "no space left" in text or "could not extend file" in text


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not be reached at all."""
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
    )


def is_conflict(error: BaseException) -> bool:
    """Whether the database ended a deadlock or a serialisation conflict: the same transaction may be tried again."""
    text = str(error).lower()
    return isinstance(error, sa.exc.OperationalError) and ("deadlock" in text or "serializ" in text)


def is_outage(error: BaseException) -> bool:
    """Whether the database itself is down: then no row is to blame, and the job is retried.

    A statement that took too long, or was too large or too deep, is the fault of the row that it is about.
    """
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    text = str(error).lower()
    if not error.connection_invalidated and any(words in text for words in _OF_ONE_STATEMENT):
        return False
    return is_unavailable(error) and not is_conflict(error)


_OF_ONE_STATEMENT = ("canceling statement", "too many", "too large", "too complex", "stack overflow")


def _engine(url: str, pool_size: int) -> sa.Engine:
    if url.startswith("sqlite"):
        engine = sa.create_engine(
            url,
            connect_args={"timeout": BUSY_SECONDS},
            pool_size=pool_size,
            # The connection that was used last: each has a page cache of its own, and few are enough most of the time.
            pool_use_lifo=True,
            hide_parameters=True,
        )
        sa.event.listen(engine, "connect", _open_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = "-c statement_timeout=60000 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=120000"
    # Compiling a statement takes longer than any of ours runs.
    options += " -c jit=off"
    arguments = {"connect_timeout": 4, "options": options, "application_name": "frontdesk"}
    # A ping for each transaction is cheap beside a batch, and a restarted server causes no error.
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=20,
        pool_recycle=600,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=arguments,
    )


def _open_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode=WAL")
    # A larger WAL is written into the file less often: with many tickets that is half of the writing.
    pragmas = (
        "synchronous=FULL",
        "wal_autocheckpoint=8000",
        "foreign_keys=ON",
        "cache_size=-6000",
        "temp_store=MEMORY",
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("frontdesk_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
