"""What all tests share: stores on both databases, a Valkey, cheap passwords, folders in memory."""

from __future__ import annotations

import logging
import os

# Before anybody imports NumPy: beside each other, processes that each use all processors wait for each other.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import argon2
import hypothesis
import pytest
import redis
import sqlalchemy as sa
import structlog

from console.access import passwords
from desk.config.settings import Settings
from storage.db import schema
from storage.db.session import Database
from storage.open_store import Store, open_store
from storage.runtime.logging_setup import OURS
from tests.components import dies_with_us, need
from tests.fixtures_small_starter import small_starter
from tests.run_report import RunReport
from tests.servers import postgres

__all__ = ["small_starter"]

# The log of the process under test goes where pytest keeps it, not between what a command prints.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())

# The same draws each time: a run is red because of a change, not because of a draw. `explore` looks for new ones.
hypothesis.settings.register_profile("dev", max_examples=30, deadline=None, derandomize=True)
hypothesis.settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

_ENGINES: dict[str, sa.Engine] = {}
"""The first engine for each kind of database."""

SECRET = "a key of the tests, known to everybody"
CHEAP_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory where there is room: the tests wait for thousands of fsyncs otherwise."""
    config.pluginmanager.register(RunReport(config))
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        tempfile.tempdir = tempfile.mkdtemp(prefix="fd-", dir=MEMORY)
        # PostgreSQL, Postfix and Dovecot give up root's rights before they look for their folders.
        Path(tempfile.tempdir).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    if tempfile.tempdir is not None and Path(tempfile.tempdir).parent == MEMORY:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)


@pytest.fixture(autouse=True)
def password_hasher(monkeypatch: pytest.MonkeyPatch) -> object:
    """Passwords that cost nothing; tests/console/access/test_passwords.py keeps the real ones."""
    monkeypatch.setattr(passwords, "_hasher", CHEAP_HASHER)
    return CHEAP_HASHER


@pytest.fixture(autouse=True)
def log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that a test runs in this process sets up logging; the next test finds it as it was.

    Loggers are not cached meanwhile: one that has logged once would keep the command's set-up for ever.
    """
    before, root, ours = structlog.get_config(), logging.getLogger(), logging.getLogger(OURS)
    handlers, levels = list(root.handlers), (root.level, ours.level)
    configure = structlog.configure
    monkeypatch.setattr(
        structlog, "configure", lambda **given: configure(**(given | {"cache_logger_on_first_use": False}))
    )
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    yield
    configure(**before)
    logging.disable(logging.NOTSET)
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def store(tmp_path: Path, sqlite_template: Path) -> Iterator[Store]:
    """A desk's record in a fresh, migrated SQLite file."""
    yield from _opened(tmp_path / "data", sqlite_template, "")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Store]:
    """The same test on both databases."""
    if request.param == "sqlite":
        yield from _opened(tmp_path / "any-data", sqlite_template, "")
    else:
        yield from _opened(tmp_path / "any-data", sqlite_template, request.getfixturevalue("postgres_url"))


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def valkey(valkey_server: str) -> str:
    """The URL of an empty Valkey or Redis."""
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, since a copy is a hundred times faster than the migrations."""
    path = tmp_path_factory.mktemp("template") / "frontdesk.sqlite3"
    database = Database(str(path))
    schema.migrate(database)
    database.close()
    return path


@pytest.fixture
def own_postgres() -> Iterator[postgres.Postgres]:
    """A PostgreSQL that this test may kill."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """The one PostgreSQL of this run; a test that kills it takes `own_postgres`."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The one Valkey of this run, on a private socket. A test that kills it must start one of its own."""
    program = need("valkey")
    with tempfile.TemporaryDirectory(prefix="fd-vk-") as folder:
        socket = f"{folder}/s"
        command = [program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=dies_with_us()) as server:
            _wait_for_valkey(f"unix://{socket}", server)
            yield f"unix://{socket}"
            server.terminate()


def _opened(folder: Path, template: Path, database_url: str) -> Iterator[Store]:
    folder.mkdir()
    if not database_url:
        shutil.copyfile(template, folder / "frontdesk.sqlite3")
    settings = Settings(
        data_dir=str(folder),
        database_url=database_url,
        secret_key=SECRET,
        mail_domain="desk.example.test",
        undo_send_seconds=0,
    )
    opened = open_store(settings)
    _share_compiled_statements(opened.database.engine)
    try:
        yield opened
    finally:
        opened.close()


def _share_compiled_statements(engine: sa.Engine) -> None:
    """A statement is compiled once for all tests of this process: a fifth of what a test with a store costs."""
    first = _ENGINES.get(engine.dialect.name)
    if first is None:
        with engine.connect():
            _ENGINES[engine.dialect.name] = engine
    else:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache


def _wait_for_valkey(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            redis.Redis.from_url(url).ping()
            return
        except redis.ConnectionError:
            if server.poll() is not None or time.monotonic() > until:
                raise
        time.sleep(0.02)
