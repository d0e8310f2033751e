"""One IMAP connection at work: fetches what is new in the mailbox's folders, stores it, marks it, and waits for more.

Every exception of the connection rises; the poller connects again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from desk.mail.inbound_request import Envelope
from gateway.email.imap.config import ImapConfig
from gateway.email.imap.errors import ImapError, StoreRefused
from gateway.email.imap.fetch import MOST_TRIES, Described, Fetched, Fetcher, FetchLimits, describe
from gateway.email.imap.folder import Folder
from gateway.email.imap.idle import IdleWait
from gateway.email.imap.return_path import return_path
from gateway.email.smtp.types import DiskFull, Outcome, RawMail
from storage.db.session import Session
from storage.mail import imap_folders
from storage.mail.imap_folders import FirstSeen, Mark
from storage.open_store import Store
from storage.people.people import Mailbox

Accept = Callable[[Sequence[RawMail]], Sequence[Outcome]]
MOST_DESCRIBED = 200
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionDependencies:
    """What outlives a connection. `tick` and `pause` raise Stopping; `tries` counts failed fetches of
    a mail by folder and UIDVALIDITY, `refusals` the failures of the intake by folder and UID.
    """

    store: Store
    mailbox: Mailbox
    config: ImapConfig
    accept: Accept
    limits: FetchLimits
    now: Callable[[], datetime]
    tick: Callable[[], None]
    pause: Callable[[float], None]
    slice_seconds: float
    tries: dict[tuple[str, int], Counter[int]] = field(default_factory=dict)
    refusals: Counter[tuple[str, int]] = field(default_factory=Counter)


class ImapSession:
    """Works on one connection until something raises."""

    def __init__(self, client: Any, deps: SessionDependencies) -> None:
        # Times of the server keep their zone.
        client.normalise_times = False
        self._client = client
        self._deps = deps
        # The folder of IDLE is fetched last, so that it stays selected.
        self._folders = [Folder(client, name, deps.config) for name in reversed(deps.config.folders)]
        self._waiting = IdleWait(client, deps.pause, deps.slice_seconds)
        self._listening = False

    def fetch_new(self) -> None:
        """Fetch what is new in every folder. A folder that cannot be opened does not hold up the others."""
        failures = [failure for folder in self._folders if (failure := self._fetch_from(folder))]
        if len(failures) == len(self._folders):
            raise failures[-1]

    def wait(self) -> None:
        """Wait for news in the first folder, at most until the others are due."""
        self._waiting.until_news(self._deps.config.poll_seconds, may_idle=self._listening)

    def _fetch_from(self, folder: Folder) -> ImapError | None:
        try:
            self._listening = False
            self._fetch_new(folder)
            self._listening = True
            return None
        except ImapError as error:
            failure = error
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            failure = ImapError(f"folder {folder.name!r}: {error}")
        log.warning("imap_folder_failed", mailbox_id=self._deps.mailbox.id, folder=folder.name, why=str(failure))
        with self._deps.store.database.transaction() as session:
            imap_folders.record_failure(session, self._deps.mailbox.id, folder.name, str(failure), self._deps.now())
        return failure

    def _fetch_new(self, folder: Folder) -> None:
        mark, first = self._opened(folder)
        tries = self._deps.tries.setdefault((folder.name, mark.uidvalidity), Counter())
        place = f"{self._deps.mailbox.address}/{folder.name}"
        fetcher = Fetcher(self._client, place, self._deps.limits, tries, self._deps.tick)
        while uids := folder.pending(mark, first)[:MOST_DESCRIBED]:
            mails = describe(self._client, uids)
            for batch in fetcher.batches(mails):
                self._store(folder, batch)
                if batch:
                    mark = self._advance(folder, replace(mark, last_uid=batch[-1].uid), mails)
            mark = self._advance(folder, replace(mark, last_uid=uids[-1]), [])
        self._note_good(folder, 0.0)

    def _opened(self, folder: Folder) -> tuple[Mark, FirstSeen | None]:
        """Select the folder and find where to go on; a folder that was made anew is gone through from its beginning."""
        selected = folder.select()
        box = self._deps.mailbox.id
        with self._deps.store.database.reading() as session:
            mark = imap_folders.get_mark(session, box, folder.name)
            first = imap_folders.get_first_seen(session, box, folder.name)
        if mark.uidvalidity == selected.uidvalidity:
            return mark, first
        if mark.uidvalidity:
            log.warning("imap_uidvalidity_changed", mailbox_id=box, folder=folder.name)
        first = first or FirstSeen(selected.uidvalidity, folder.next_uid(), self._deps.now().date())
        mark = Mark(selected.uidvalidity, 0)
        with self._deps.store.database.transaction() as session:
            imap_folders.save_first_seen(session, box, folder.name, first)
            imap_folders.set_mark(session, box, folder.name, mark)
        return mark, first

    def _store(self, folder: Folder, batch: list[Fetched]) -> None:
        """Accept the batch, then mark on the server what is stored; what is not whole stays there as it is."""
        if not batch:
            return
        outcomes = self._accepted(folder, batch)
        stored = [mail for mail, outcome in zip(batch, outcomes, strict=True) if outcome is Outcome.STORED]
        folder.done_with([mail.uid for mail in stored if not mail.incomplete])
        log.info("imap_mails_stored", mailbox_id=self._deps.mailbox.id, folder=folder.name, count=len(stored))
        if len(stored) < len(batch):
            raise StoreRefused("no room on the disk" if Outcome.DISK_FULL in outcomes else "the database is away")

    def _accepted(self, folder: Folder, batch: list[Fetched]) -> Sequence[Outcome]:
        mails = [self._raw_mail(folder, mail) for mail in batch]
        try:
            return self._deps.accept(mails)
        except DiskFull:
            raise StoreRefused("no room on the disk") from None
        except (sa.exc.OperationalError, sa.exc.InterfaceError, OSError) as error:
            raise StoreRefused(f"nothing can be written: {type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001 - one mail that breaks the intake must not hold up the mailbox
            log.warning("imap_batch_not_accepted", mailbox_id=self._deps.mailbox.id, error=type(error).__name__)
            if len(batch) > 1:
                return [self._accepted(folder, [mail])[0] for mail in batch]
            return self._set_aside(folder, batch[0], error)

    def _set_aside(self, folder: Folder, mail: Fetched, error: Exception) -> Sequence[Outcome]:
        """A mail on which the intake fails again and again is handed over as one that nobody shall try to read."""
        key = (folder.name, mail.uid)
        self._deps.refusals[key] += 1
        if self._deps.refusals[key] <= MOST_TRIES:
            raise StoreRefused(f"the intake fails on UID {mail.uid}: {type(error).__name__}")
        reason = f"the intake failed on this mail {MOST_TRIES} times: {type(error).__name__}"
        outcomes = self._deps.accept([self._raw_mail(folder, replace(mail, incomplete=reason))])
        del self._deps.refusals[key]
        return outcomes

    def _raw_mail(self, folder: Folder, mail: Fetched) -> RawMail:
        address = self._deps.mailbox.address
        envelope = Envelope(return_path(mail.raw), (address,))
        source = f"imap:{address}/{folder.name}"
        return RawMail(mail.raw, envelope, source, self._deps.now(), mail.incomplete)

    def _advance(self, folder: Folder, mark: Mark, mails: Sequence[Described]) -> Mark:
        """The mark goes up only after the mails below it are stored and marked."""
        with self._deps.store.database.transaction() as session:
            imap_folders.set_mark(session, self._deps.mailbox.id, folder.name, mark)
            self._write_good(session, folder, self._lag(mark, mails))
        return mark

    def _note_good(self, folder: Folder, lag_seconds: float) -> None:
        with self._deps.store.database.transaction() as session:
            self._write_good(session, folder, lag_seconds)

    def _write_good(self, session: Session, folder: Folder, lag_seconds: float) -> None:
        box, now = self._deps.mailbox.id, self._deps.now()
        imap_folders.record_success(session, box, folder.name, lag_seconds, now, folder.remark)

    def _lag(self, mark: Mark, mails: Sequence[Described]) -> float:
        """How long the oldest mail that is still to fetch has been in the folder."""
        waiting = [mail.arrived_at for mail in mails if mail.uid > mark.last_uid and mail.arrived_at]
        return max(0.0, (self._deps.now() - min(waiting)).total_seconds()) if waiting else 0.0
