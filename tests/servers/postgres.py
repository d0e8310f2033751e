"""One real PostgreSQL for a whole test run: started, killed and started again, with a fresh database for each test.

It takes the folder of its programs, and a folder for its data if that is to stay (what benchmarks fill takes
minutes), and returns URLs. It listens on a free loopback port; as root it runs as the user `postgres`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from storage.db import schema
from storage.db.session import Database
from tests.components import need, postgres_folder, skip_for_want_of
from tests.servers.ports import free_port

TEMPLATE = "frontdesk_template"
_OPTIONS = {"fsync": "on", "listen_addresses": "127.0.0.1", "max_connections": "200", "shared_buffers": "32MB"}


class Postgres:
    """A PostgreSQL server with its data in a folder of its own."""

    def __init__(self, programs: Path, kept: Path | None = None) -> None:
        self.programs, self.kept = programs, kept is not None
        self.folder = kept or Path(tempfile.mkdtemp(prefix="fd-pg-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._as_owner = _as_owner(self.folder)
        self._numbers = itertools.count(1)
        initdb = [str(programs / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        if not self._data.exists():
            self._run([*initdb, "--locale=C", "--no-sync"])

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers; after `kill` it recovers from its log first.

        Orphans of a killed server hold its memory for a moment; until they are gone a new one refuses to start.
        """
        until = time.monotonic() + 30
        while not self._started(until):
            time.sleep(0.2)

    def _started(self, until: float) -> bool:
        settings = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
        place = ["-D", str(self._data), "-k", str(self.folder), "-p", str(self.port)]
        command = [*self._as_owner, str(self.programs / "postgres"), *place, *settings]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)
        try:
            self._wait_until_it_answers()
        except RuntimeError:
            if self.process.poll() is None or time.monotonic() > until:
                raise
            return False
        return True

    def kill(self) -> None:
        """Kill the postmaster with -9, as a power cut would; its children end by themselves."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop it fast and forget its data, unless they are kept."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(2)
            self.process.wait(30)
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a migrated database that nobody else uses; gone afterwards."""
        name = f"t{next(self._numbers)}"
        # Copying files costs half of writing the template into the log once more, which is the default.
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The URL of a database without any table; gone afterwards."""
        name = f"e{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def load(self, file: Path, url: str) -> None:
        """Run what `pg_dump` wrote."""
        command = [str(self.programs / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(file), url]
        subprocess.run(command, check=True, capture_output=True)

    def make_template(self) -> None:
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE))
        schema.migrate(database)
        database.close()

    def execute(self, statement: str) -> None:
        """One statement outside of any transaction, in the database `postgres`."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, command: list[str]) -> None:
        done = subprocess.run([*self._as_owner, *command], capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr}")

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()) from error
            time.sleep(0.05)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server with the migrated template database; skips the test where PostgreSQL is not installed."""
    server = Postgres(postgres_folder())
    try:
        server.start()
        server.make_template()
        yield server
    finally:
        server.stop()


def kept(folder: Path, stack: ExitStack) -> str:
    """The URL of a database whose data stay in this folder, made if it is not there; served while the stack is open."""
    server = Postgres(postgres_folder(), folder)
    stack.callback(server.stop)
    server.start()
    with suppress(psycopg.errors.DuplicateDatabase):
        server.execute("CREATE DATABASE kept")
    return server.url("kept")


def _as_owner(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root. `setpriv` also ends it when the test process is killed."""
    command = [need("setpriv"), "--pdeathsig", "QUIT"]
    if os.geteuid() != 0:
        return command
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        skip_for_want_of("postgresql (its user)")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return [*command, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
