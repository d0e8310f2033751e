"""A desk with mailboxes on a test's Dovecot: adds them, keeps them, and writes what comes into the real ledger."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gateway.email.imap.poller import PollerDependencies, PollerTiming
from gateway.email.smtp.types import Outcome, RawMail
from gateway.pollers import ImapPollers
from storage.mail import imap_folders, inbound
from storage.mail.imap_folders import FolderHealth
from storage.mail.inbound import Arrival
from storage.open_store import Store
from storage.people import people
from storage.people.people import Mailbox
from storage.tables import tickets as ticket_tables
from tests.servers.dovecot import PASSWORD, Dovecot

QUICK = PollerTiming(lease=3.0, slice=0.05, first=0.05, refused=0.05, most=0.2, store_most=0.1)
ENVIRON = {"SUPPORT_PASSWORD": PASSWORD, "WRONG_PASSWORD": "Tr0ub4dor&3 wrong"}


def mail(number: int, words: str = "") -> bytes:
    text = words or f"question number {number}"
    header = (
        f"From: ana@example.test\r\nTo: support@example.test\r\nSubject: {text}\r\nMessage-ID: <{number}@example.test>"
    )
    return f"Return-Path: <Bounces+{number}@example.test>\r\n{header}\r\n\r\n{text}\r\n".encode()


def around(**changes: Any) -> PollerDependencies:
    return replace(PollerDependencies(environ=ENVIRON, pace=QUICK, chance=random.Random(7)), **changes)


def until(condition: Callable[[], object], what: str = "", seconds: float = 120.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what or "it did not come to pass in time")
        time.sleep(0.02)


@dataclass
class Desk:
    """One store with its keepers. `before` may raise, or answer instead of the ledger."""

    store: Store
    dovecot: Dovecot
    before: Callable[[Sequence[RawMail]], Sequence[Outcome] | None] = lambda _mails: None
    mails: list[RawMail] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, address: str = "support@example.test", **imap: Any) -> Mailbox:
        """A mailbox of the desk that is fetched from the test's server."""
        settings = {
            "host": "127.0.0.1",
            "port": self.dovecot.imap_port,
            "tls": "none",
            "user": address.partition("@")[0],
            "password_env": "SUPPORT_PASSWORD",
            "poll_seconds": 1,
            "guarded": False,
        }
        settings |= {"port": self.dovecot.imaps_port} if imap.get("tls") == "ssl" else {}
        with self.store.database.transaction() as session:
            chosen = {key: value for key, value in (settings | imap).items() if value is not None}
            return people.add_mailbox(session, address, "", None, chosen)

    def accept(self, mails: Sequence[RawMail]) -> Sequence[Outcome]:
        """The ledger's own rules: one row for each source and content, and a copy counts on the first."""
        instead = self.before(mails)
        if instead is not None:
            return instead
        with self.store.database.transaction() as session:
            inbound.store(session, [_arrival(one) for one in mails])
        with self.lock:
            self.mails += mails
        return [Outcome.STORED] * len(mails)

    @contextmanager
    def kept(self, surroundings: PollerDependencies | None = None) -> Iterator[None]:
        pollers = ImapPollers(self.store, self.accept, surroundings or around())
        with self.store.database.reading() as session:
            pollers.keep(people.all_mailboxes(session))
        try:
            yield
        finally:
            pollers.stop()

    def subjects(self) -> list[str]:
        with self.lock:
            return [_subject(one.raw) for one in self.mails]

    def rows(self) -> list[Any]:
        with self.store.database.reading() as session:
            return list(session.execute(sa.select(ticket_tables.inbound).order_by(ticket_tables.inbound.c.id)))

    def health(self, folder: str = "INBOX", address: str = "support@example.test") -> FolderHealth:
        with self.store.database.reading() as session:
            found = imap_folders.list_health(session)
        return next(one for one in found if (one.mailbox, one.folder) == (address, folder))

    def mark(self, mailbox: Mailbox, folder: str = "INBOX") -> imap_folders.Mark:
        with self.store.database.reading() as session:
            return imap_folders.get_mark(session, mailbox.id, folder)

    def well(self, folder: str = "INBOX", address: str = "support@example.test") -> bool:
        health = self.health(folder, address)
        return health.last_good_at is not None and health.failing_since is None


def _subject(raw: bytes) -> str:
    line = next((line for line in raw.splitlines() if line.lower().startswith(b"subject:")), b"")
    return line.partition(b":")[2].strip().decode()


def _arrival(one: RawMail) -> Arrival:
    digest = hashlib.sha256(one.raw).hexdigest()
    return Arrival(
        "email", one.source, "", digest, datetime.now(UTC), "{}", "", len(one.raw), quarantine=one.quarantine
    )
