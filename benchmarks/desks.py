"""A whole desk as its owner would run it: gateway and worker processes, a queue and a database, on free ports.

It takes a lab, a kind of database, settings, and returns where SMTP is, what the ledgers say, and what the processes
cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks import processes
from benchmarks.lab import ROOT, Lab
from benchmarks.mails import MAILBOX
from cli.process import init, valkey
from desk.config.settings import Settings, read
from storage.db.session import Database
from storage.mail import inbound, outbound
from storage.mail.inbound import Totals
from storage.open_store import database_url
from storage.tables.tickets import agents
from storage.tickets import tickets
from tests.components import dies_with_us

POSTGRESQL, SQLITE = "postgresql", "sqlite"
KEY = "a key of the benchmark, known to everybody"
_PATIENCE = 300.0
_LOOK = 0.01

NO_LETTERS = {"FRONTDESK_ACKNOWLEDGE": "no"}
ACKNOWLEDGED = {"FRONTDESK_ACKNOWLEDGE": "yes"}


@dataclass
class Desk:
    """A running desk. `pids` are its processes by name; PostgreSQL is the lab's."""

    lab: Lab
    kind: str
    folder: Path
    database: Database
    smtp: str
    pids: dict[str, list[int]] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far of each kind of process."""
        used = {name: sum(processes.cpu_seconds(pid) for pid in pids) for name, pids in self.pids.items()}
        return used | ({"postgresql": self.lab.postgres_cpu} if self.kind == POSTGRESQL else {})

    def totals(self) -> Totals:
        with self.database.reading() as session:
            return inbound.totals(session, datetime.now(UTC))

    def wait_settled(self, look: float = _LOOK) -> float:
        """Wait until every request that was accepted is settled; returns the moment. Raises if one was set aside."""
        at = self._wait(lambda: not self._waits(), look)
        states = self.totals().states
        if states["quarantined"] or states["refused"]:
            raise RuntimeError(f"mails were set aside: {states}")
        return at

    def wait_quiet(self) -> float:
        """Wait until nothing waits: no request, no event, no letter; returns the moment."""
        return self._wait(self._is_quiet)

    def _waits(self) -> bool:
        with self.database.reading() as session:
            return bool(inbound.list_overdue(session, datetime.now(UTC), 1))

    def _is_quiet(self) -> bool:
        with self.database.reading() as session:
            now = datetime.now(UTC)
            waits = (
                inbound.list_overdue(session, now, 1) or tickets.has_unreacted(session) or outbound.is_due(session, now)
            )
        return not waits

    def _wait(self, there: Callable[[], bool], look: float = _LOOK) -> float:
        until = time.monotonic() + _PATIENCE
        while not there():
            if time.monotonic() > until:
                raise TimeoutError(f"the desk in {self.folder} did not finish: {self.totals()}")
            time.sleep(look)
        return time.monotonic()


@contextmanager
def running(
    lab: Lab, kind: str, settings: Mapping[str, str], *, workers: int = 1, notices: bool = False, proxy: str = ""
) -> Iterator[Desk]:
    """Gateway and workers as processes of their own, with the log in a file. Without `notices` no agent is written to.

    `proxy` takes the place of PostgreSQL's port in the gateway's address of the database.
    """
    with ExitStack() as stack:
        folder = lab.new_folder()
        environ = stack.enter_context(furnished(lab, kind, folder, notices)) | dict(settings)
        database = Database(database_url(read(environ, {})))
        stack.callback(database.close)
        started = {"valkey": [stack.enter_context(queue(folder, environ))]}
        started["workers"] = [stack.enter_context(process("worker", environ, folder))[0] for _ in range(workers)]
        gateways = environ | ({"FRONTDESK_DATABASE_URL": proxied(environ, proxy)} if proxy else {})
        gateway, addresses = stack.enter_context(process("gateway", gateways, folder))
        yield Desk(lab, kind, folder, database, addresses["smtp"], {"gateway": [gateway], **started})


@contextmanager
def furnished(lab: Lab, kind: str, folder: Path, notices: bool) -> Iterator[dict[str, str]]:
    """The variables of a desk with its tables, a team, a mailbox and an agent."""
    with ExitStack() as stack:
        url = stack.enter_context(lab.postgres.fresh_database()) if kind == POSTGRESQL else ""
        environ = variables(folder, url)
        prepare(read(environ, {}), notices=notices)
        yield environ


def variables(folder: Path, url: str = "") -> dict[str, str]:
    """FRONTDESK_* for a desk in that folder; no other setting of this machine gets in."""
    return {
        "FRONTDESK_DATA_DIR": str(folder),
        "FRONTDESK_DATABASE_URL": url,
        "FRONTDESK_SECRET_KEY": KEY,
        "FRONTDESK_MAIL_DOMAIN": MAILBOX.partition("@")[2],
        "FRONTDESK_SMTP": "127.0.0.1:0",
        "FRONTDESK_HTTP": "127.0.0.1:0",
        "FRONTDESK_REDIS_URL": f"unix://{folder}/valkey.sock",
    }


def prepare(settings: Settings, *, notices: bool) -> None:
    """Make the desk's tables, a team, a mailbox and an agent."""
    init.begin(settings, datetime.now(UTC), patience=30.0)
    if notices:
        return
    database = Database(database_url(settings))
    with database.transaction() as session:
        session.execute(sa.update(agents).values(notify=False))
    database.close()


@contextmanager
def queue(folder: Path, environ: Mapping[str, str]) -> Iterator[int]:
    """A Valkey as `frontdesk up` starts it."""
    command = valkey.command(valkey.server_program(), folder / "valkey.sock")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=dies_with_us()) as server:
        try:
            until = time.monotonic() + 10
            while not valkey.answers(folder / "valkey.sock") and time.monotonic() < until:
                time.sleep(_LOOK)
            yield server.pid
        finally:
            server.terminate()


@contextmanager
def process(word: str, environ: Mapping[str, str], folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """`frontdesk WORD`, once it says that it is ready: its id and its addresses."""
    reader, writer = os.pipe()
    command = [sys.executable, str(ROOT / "frontdesk.py"), word, "--ready-fd", str(writer)]
    with (
        (folder / f"{word}.log").open("ab") as log,
        subprocess.Popen(
            command,
            env=clean(environ),
            cwd=folder,
            stdout=log,
            stderr=log,
            pass_fds=[writer],
            preexec_fn=dies_with_us(),
        ) as started,
    ):
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                line = pipe.readline()
            if not line:
                raise RuntimeError(f"{word} did not start:\n{(folder / f'{word}.log').read_text()}")
            yield started.pid, json.loads(line)
        finally:
            started.terminate()


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with those FRONTDESK_* variables and no others."""
    return {name: text for name, text in os.environ.items() if not name.startswith("FRONTDESK_")} | dict(environ)


def proxied(environ: Mapping[str, str], port: str) -> str:
    """The database's address with another port."""
    url = sa.make_url(environ["FRONTDESK_DATABASE_URL"]).set(port=int(port))
    return url.render_as_string(hide_password=False)
