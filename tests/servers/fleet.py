"""A whole desk as real processes: a Valkey, a gateway and workers, that a test can kill and start again.

Every process is started by this module, killed by its pid, and dies with the test run.
"""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import redis

from storage.mail import inbound
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tickets import tickets
from tests.components import dies_with_us, need
from tests.servers.ports import free_port
from tests.servers.running import PATIENCE

ROOT = Path(__file__).parents[2]
SUPPORT = "support@desk.example.test"
AGENT = "alice@corp.example.test"


class Fleet:
    """The processes of one desk on `store`. Use as a context manager."""

    def __init__(self, store: Store, folder: Path, **environment: str) -> None:
        self.store, self.folder = store, folder
        self.port, self.http_port = free_port(), free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.folder.mkdir(exist_ok=True)
        self.socket = f"/tmp/fd-{os.getpid()}-{self.port}.sock"
        self.environment = environment
        with store.database.transaction() as session:
            now = store_time()
            team = people.add_team(session, "Support")
            people.add_mailbox(session, SUPPORT, "Support", team.id)
            people.add_agent(session, NewAgent(AGENT, "Alice Agent", "agent", "", [team.id]), now)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for name in sorted(self.processes, key=lambda name: name == "valkey"):
            self.stop(name)  # the queue last: a worker that finishes has something to tell it
        Path(self.socket).unlink(missing_ok=True)

    def start(self, *names: str) -> None:
        """Start "valkey", "gateway", "worker1", "worker2", "http"…; returns when they answer."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self._command(name),
                    env=self._environment(),
                    stdout=log,
                    stderr=log,
                    cwd=ROOT,
                    start_new_session=True,
                    preexec_fn=dies_with_us(),
                )
        if "valkey" in names:
            wait_until(lambda: self._pings(), f"valkey does not answer:\n{self.log('valkey')}")
        if "gateway" in names:
            wait_until(lambda: self._greets(), "the gateway does not answer")

    def kill(self, name: str) -> None:
        """-9, as a power cut would; then it is gone."""
        process = self.processes.pop(name)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str, seconds: float = 35) -> int:
        """SIGTERM to its main process; returns its exit status."""
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def flush(self) -> None:
        redis.Redis(unix_socket_path=self.socket).flushall()

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def send(self, raw: bytes, sender: str, recipient: str = SUPPORT) -> bool:
        """One mail by SMTP; True only if it was answered 250."""
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as smtp:
                smtp.sendmail(sender, [recipient], raw)
            return True
        except (OSError, smtplib.SMTPException):
            return False

    def settled(self) -> bool:
        with self.store.database.reading() as session:
            return inbound.totals(session, store_time()).unsettled == 0

    def wait_until_settled(self, seconds: float = 60) -> None:
        wait_until(self.settled, "requests are left unsettled", seconds)

    def states(self) -> dict[str, int]:
        with self.store.database.reading() as session:
            totals = inbound.totals(session, store_time())
        assert totals.accepted == sum(totals.states.values()) + totals.unsettled
        return {state: count for state, count in totals.states.items() if count}

    def words(self) -> dict[int, list[str]]:
        """Ticket → the first line of each of its messages."""
        with self.store.database.reading() as session:
            found = tickets.page(session, most=100_000)
            return {t.id: [m.reply.split("\n")[0] for m in tickets.messages_of(session, t.id)] for t in found}

    def _command(self, name: str) -> list[str]:
        if name == "valkey":
            path = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
            return [need("valkey"), *path, "--dir", str(self.folder)]
        return [sys.executable, str(ROOT / "frontdesk.py"), name.rstrip("0123456789")]

    def _environment(self) -> dict[str, str]:
        settings = self.store.settings
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("FRONTDESK_")},
            "FRONTDESK_DATA_DIR": settings.data_dir,
            "FRONTDESK_DATABASE_URL": settings.database_url,
            "FRONTDESK_REDIS_URL": f"unix://{self.socket}",
            "FRONTDESK_SECRET_KEY": settings.secret_key,
            "FRONTDESK_SMTP": f"127.0.0.1:{self.port}",
            "FRONTDESK_HTTP": f"127.0.0.1:{self.http_port}",
            "FRONTDESK_SMTP_MAILS_PER_MINUTE": "100000",
            **self.environment,
        }

    def _pings(self) -> bool:
        try:
            return bool(redis.Redis(unix_socket_path=self.socket).ping())
        except redis.ConnectionError:
            return False

    def _greets(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=5) as smtp:
                return smtp.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            if self.processes["gateway"].poll() is not None:
                raise AssertionError(self.log("gateway")) from None
            return False


@contextmanager
def whole_desk(store: Store, folder: Path, workers: int = 1, **environment: str) -> Iterator[Fleet]:
    """A fleet with everything running."""
    with Fleet(store, folder, **environment) as fleet:
        fleet.start("valkey")
        fleet.start("gateway", *(f"worker{number + 1}" for number in range(workers)))
        yield fleet


def wait_until(condition: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
    """Ask until it is so; the deadline is one that only a fault meets, also on a loaded machine."""
    until = time.monotonic() + max(seconds, PATIENCE)
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)


def store_time() -> datetime:
    return datetime.now(UTC)
