"""What all tests share: stores on both databases, a Valkey, and an honest list of what could not be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import structlog

from desk.config.settings import Settings
from storage.db import schema
from storage.db.session import Database
from storage.open_store import Store, open_store
from tests import postgres
from tests.components import MISSING, dies_with_us, need

# The log of the process under test goes where pytest keeps it, not between what a command prints.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())

SECRET = "a key of the tests, known to everybody"


MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory where there is room: the tests wait for thousands of fsyncs otherwise."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        tempfile.tempdir = tempfile.mkdtemp(prefix="fd-", dir=MEMORY)
        # PostgreSQL, Postfix and Dovecot give up root's rights before they look for their folders.
        Path(tempfile.tempdir).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    if tempfile.tempdir is not None and Path(tempfile.tempdir).parent == MEMORY:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)


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
    try:
        yield opened
    finally:
        opened.close()


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not run and for want of what."""
    for component, tests in sorted(_not_run(terminalreporter).items()):
        terminalreporter.write_line(f"NOT RUN for want of {component}: {', '.join(sorted(tests))}", yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI everything must be there, so a test that found a component missing has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("FRONTDESK_CI") == "1" and reporter is not None and _not_run(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _not_run(reporter: pytest.TerminalReporter) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for report in reporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        _, is_missing, component = reason.partition(MISSING)
        if is_missing:
            found.setdefault(component, set()).add(report.nodeid.partition("[")[0])
    return found
