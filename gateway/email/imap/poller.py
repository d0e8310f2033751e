"""The IMAP poller: fetches one mailbox in a thread of its own, and marks a mail on the server only once it is stored.

Each mailbox has its own lease, so that neither a broken mailbox nor a second gateway affects the others.

The order is: fetch (only peeking), accept (COMMIT), then \\Seen or move, then the mark in `imap_folders`. A crash
between two of them means that the mail is fetched again, and the unique key of the inbound log recognises the copy.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog
from imapclient import IMAPClient

from gateway.email.imap.config import ImapConfig, read_config
from gateway.email.imap.credentials import Credentials
from gateway.email.imap.errors import ImapError, Stopping, StoreRefused
from gateway.email.imap.fetch import FetchLimits
from gateway.email.imap.login import connect, drop, explain
from gateway.email.imap.session import Accept, ImapSession, SessionDependencies
from storage.mail import imap_folders
from storage.open_store import Store
from storage.people.people import Mailbox
from storage.runtime import locks
from storage.runtime.guarded_connection import guard_for

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PollerTiming:
    """Seconds: of the lease, of one wait that cannot be interrupted, and between attempts after a failure.

    After a refused login the attempts begin at `refused`, since servers lock accounts that are tried too often.
    """

    lease: float = 20.0
    slice: float = 1.0
    first: float = 1.0
    refused: float = 30.0
    most: float = 300.0
    store_most: float = 30.0


@dataclass(slots=True)
class Backoff:
    """Pauses that double up to a limit, each shortened by chance so that many mailboxes do not connect at once."""

    pace: PollerTiming
    chance: random.Random
    failures: int = 0

    def next(self, error: BaseException) -> float:
        refused = isinstance(error, ImapError) and error.refused
        first = self.pace.refused if refused else self.pace.first
        ours = isinstance(error, (StoreRefused, sa.exc.SQLAlchemyError))
        most = self.pace.store_most if ours else self.pace.most
        self.failures += 1
        longest = min(first * 2.0 ** min(self.failures - 1, 20), most)
        return longest * self.chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        self.failures = 0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PollerDependencies:
    """What a poller depends on: clocks, randomness, the environment with secrets, and its timing."""

    now: Callable[[], datetime] = _utc_now
    seconds: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.SystemRandom)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    pace: PollerTiming = PollerTiming()


class ImapPoller:
    """Fetches one mailbox from `start()` to `stop()`, in a thread of its own. Raises BadImapConfig."""

    def __init__(
        self, store: Store, mailbox: Mailbox, accept: Accept, dependencies: PollerDependencies | None = None
    ) -> None:
        self.mailbox = mailbox
        self.config: ImapConfig = read_config(mailbox.imap or {})
        self._store = store
        self._dependencies = dependencies or PollerDependencies()
        self._guard = guard_for(store.settings)
        self._credentials = Credentials(
            self.config, self._dependencies.environ, self._dependencies.seconds, self._guard
        )
        limits = FetchLimits(most_bytes=store.settings.max_message_bytes)
        self._session_dependencies = SessionDependencies(
            store,
            mailbox,
            self.config,
            accept,
            limits,
            self._dependencies.now,
            self._tick,
            self._pause,
            self._dependencies.pace.slice,
        )
        self._lease = f"imap:{mailbox.address}"
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._renew_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"imap-{mailbox.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Finishes the current batch and ends; returns when the thread has ended or the time is up."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        backoff = Backoff(self._dependencies.pace, self._dependencies.chance)
        while not self._stopping.is_set():
            try:
                self._keep(backoff)
            except Stopping:
                continue
            except Exception as error:  # noqa: BLE001 - seen in the health of this mailbox, and tried again for ever
                # Servers end a session now and then; that is a failure only if the next one does not begin.
                if backoff.failures or not isinstance(error, (OSError, IMAPClient.AbortError)):
                    self._note_failure(error)
                self._stopping.wait(backoff.next(error))
        self._give_lease_back()

    def _keep(self, backoff: Backoff) -> None:
        """Hold the lease and fetch until the work has to stop; while somebody else holds it, wait."""
        self._renew_at = 0.0
        if not self._hold_lease():
            self._stopping.wait(self._dependencies.pace.lease / 3)
            return
        client = connect(self.config, self._credentials, self._guard)
        session = ImapSession(client, self._session_dependencies)
        log.info("imap_mailbox_opened", mailbox_id=self.mailbox.id)
        try:
            while True:
                session.fetch_new()
                backoff.reset()
                session.wait()
        finally:
            drop(client)

    def _tick(self) -> None:
        """Between two pieces of work: renew the lease, and raise Stopping if it is lost or the work is over."""
        if self._stopping.is_set() or not self._hold_lease():
            raise Stopping

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)
        self._tick()

    def _hold_lease(self) -> bool:
        if self._dependencies.seconds() < self._renew_at:
            return True
        length = timedelta(seconds=self._dependencies.pace.lease)
        with self._store.database.transaction() as session:
            held = locks.acquire(session, self._lease, self._holder, self._dependencies.now(), length)
        self._renew_at = self._dependencies.seconds() + self._dependencies.pace.lease / 3 if held else 0.0
        return held

    def _give_lease_back(self) -> None:
        try:
            with self._store.database.transaction() as session:
                locks.release(session, self._lease, self._holder)
        except Exception as error:  # noqa: BLE001 - it runs out by itself
            log.info("imap_lease_not_given_back", mailbox_id=self.mailbox.id, error=type(error).__name__)

    def _note_failure(self, error: BaseException) -> None:
        why = self._credentials.hidden(explain(error, self.config))
        log.warning("imap_mailbox_failed", mailbox_id=self.mailbox.id, error=type(error).__name__, why=why)
        note_failure(self._store, self.mailbox, self.config.folders, why, self._dependencies.now())


def note_failure(store: Store, mailbox: Mailbox, folders: Sequence[str], why: str, now: datetime) -> None:
    """Write the failure down for those who watch; if the database is what fails, the log has it."""
    try:
        with store.database.transaction() as session:
            for folder in folders:
                imap_folders.record_failure(session, mailbox.id, folder, why, now)
    except Exception as error:  # noqa: BLE001 - see above; the attempt to fetch goes on
        log.warning("imap_health_not_written", mailbox_id=mailbox.id, error=type(error).__name__)
