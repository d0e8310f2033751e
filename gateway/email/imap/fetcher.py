"""The IMAP door: every mail of the desk's mailboxes is handed in once it is there, and marked only when it is stored.

In: mailboxes from the store, and `accept`, which writes a batch of raw mails down. Out: mails handed to it in UID
order, marks and health in `imap_folders`. Each mailbox has a thread and a lease of its own, so that neither a broken
mailbox nor a second gateway touches the others. It refuses to know what a mail says.

The order is the promise: fetch (only peeking), accept (COMMIT), then \\Seen or move, then the mark. Death between two
of them means that the mail is fetched again, and the ledger recognises the copy by its unique key.
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

from gateway.email.imap.config import BadImapConfig, ImapConfig, read_config
from gateway.email.imap.credentials import Credentials
from gateway.email.imap.errors import ImapTrouble, Stopping, StoreRefused
from gateway.email.imap.fetch import FetchLimits
from gateway.email.imap.login import connect, drop, explain
from gateway.email.imap.session import Accept, Duty, ImapSession
from storage.mail import imap_folders
from storage.open_store import Store
from storage.people.people import Mailbox, all_mailboxes
from storage.runtime import locks
from storage.runtime.guarded_connection import guard_for

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
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
    """Pauses that double up to a limit, each shortened by chance so that many mailboxes do not knock at once."""

    pace: Pace
    chance: random.Random
    failures: int = 0

    def next(self, error: BaseException) -> float:
        refused = isinstance(error, ImapTrouble) and error.refused
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
class Surroundings:
    """What a keeper takes from outside: the time, chance, the variables that hold secrets, and its pace."""

    now: Callable[[], datetime] = _utc_now
    seconds: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.SystemRandom)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    pace: Pace = Pace()


class MailboxKeeper:
    """Keeps one mailbox fetched from `start()` to `stop()`, in a thread of its own. Raises BadImapConfig."""

    def __init__(
        self, store: Store, mailbox: Mailbox, accept: Accept, surroundings: Surroundings | None = None
    ) -> None:
        self.mailbox = mailbox
        self.config: ImapConfig = read_config(mailbox.imap or {})
        self._store = store
        self._around = surroundings or Surroundings()
        self._guard = guard_for(store.settings)
        self._credentials = Credentials(self.config, self._around.environ, self._around.seconds, self._guard)
        limits = FetchLimits(most_bytes=store.settings.max_message_bytes)
        self._duty = Duty(
            store,
            mailbox,
            self.config,
            accept,
            limits,
            self._around.now,
            self._tick,
            self._pause,
            self._around.pace.slice,
        )
        self._lease = f"imap:{mailbox.address}"
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._renew_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"imap-{mailbox.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Finish the batch in hand and leave; returns when the thread has ended or the time is up."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        backoff = Backoff(self._around.pace, self._around.chance)
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
            self._stopping.wait(self._around.pace.lease / 3)
            return
        client = connect(self.config, self._credentials, self._guard)
        session = ImapSession(client, self._duty)
        log.info("imap_mailbox_opened", mailbox_id=self.mailbox.id)
        try:
            while True:
                session.look()
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
        if self._around.seconds() < self._renew_at:
            return True
        length = timedelta(seconds=self._around.pace.lease)
        with self._store.database.transaction() as session:
            held = locks.acquire(session, self._lease, self._holder, self._around.now(), length)
        self._renew_at = self._around.seconds() + self._around.pace.lease / 3 if held else 0.0
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
        note_failure(self._store, self.mailbox, self.config.folders, why, self._around.now())


def keep_mailboxes(store: Store, accept: Accept, surroundings: Surroundings | None = None) -> list[MailboxKeeper]:
    """A started keeper for every mailbox that is to be fetched; one with wrong settings shows as failing instead."""
    around = surroundings or Surroundings()
    with store.database.reading() as session:
        mailboxes = [mailbox for mailbox in all_mailboxes(session) if mailbox.imap]
    started = [_started(store, mailbox, accept, around) for mailbox in mailboxes]
    return [keeper for keeper in started if keeper is not None]


def _started(store: Store, mailbox: Mailbox, accept: Accept, around: Surroundings) -> MailboxKeeper | None:
    try:
        keeper = MailboxKeeper(store, mailbox, accept, around)
    except BadImapConfig as error:
        log.error("imap_settings_refused", mailbox_id=mailbox.id, why=str(error))
        note_failure(store, mailbox, imap_folders.folders_of(mailbox), str(error), around.now())
        return None
    keeper.start()
    return keeper


def note_failure(store: Store, mailbox: Mailbox, folders: Sequence[str], why: str, now: datetime) -> None:
    """Write the failure down for those who watch; if the database is what fails, the log has it."""
    try:
        with store.database.transaction() as session:
            for folder in folders:
                imap_folders.record_failure(session, mailbox.id, folder, why, now)
    except Exception as error:  # noqa: BLE001 - see above; the attempt to fetch goes on
        log.warning("imap_health_not_written", mailbox_id=mailbox.id, error=type(error).__name__)
