"""One connection at work: looks through the mailbox's folders, hands over what is new, marks what is stored, waits.

In: a logged-in IMAPClient and a Duty. Out: mails handed to `accept`, marks and health in the store. It refuses to know
how a connection is made and what happens when one breaks: every exception of the connection rises.
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
from gateway.email.imap.errors import ImapTrouble, StoreRefused
from gateway.email.imap.fetch import MOST_TRIES, Described, Fetched, Fetcher, FetchLimits, describe
from gateway.email.imap.folder import Folder
from gateway.email.imap.idle import Waiting
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
class Duty:
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

    def __init__(self, client: Any, duty: Duty) -> None:
        # Times of the server keep their zone.
        client.normalise_times = False
        self._client = client
        self._duty = duty
        # The folder that is listened to is looked at last, so that it stays selected.
        self._folders = [Folder(client, name, duty.config) for name in reversed(duty.config.folders)]
        self._waiting = Waiting(client, duty.pause, duty.slice_seconds)
        self._listening = False

    def look(self) -> None:
        """Fetch what is new in every folder. A folder that cannot be opened does not hold up the others."""
        troubles = [trouble for folder in self._folders if (trouble := self._look_at(folder))]
        if len(troubles) == len(self._folders):
            raise troubles[-1]

    def wait(self) -> None:
        """Wait for news in the first folder, at most until the others are due."""
        self._waiting.until_news(self._duty.config.poll_seconds, may_idle=self._listening)

    def _look_at(self, folder: Folder) -> ImapTrouble | None:
        try:
            self._listening = False
            self._fetch_new(folder)
            self._listening = True
            return None
        except ImapTrouble as error:
            trouble = error
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            trouble = ImapTrouble(f"folder {folder.name!r}: {error}")
        log.warning("imap_folder_failed", mailbox_id=self._duty.mailbox.id, folder=folder.name, why=str(trouble))
        with self._duty.store.database.transaction() as session:
            imap_folders.record_failure(session, self._duty.mailbox.id, folder.name, str(trouble), self._duty.now())
        return trouble

    def _fetch_new(self, folder: Folder) -> None:
        mark, first = self._opened(folder)
        tries = self._duty.tries.setdefault((folder.name, mark.uidvalidity), Counter())
        place = f"{self._duty.mailbox.address}/{folder.name}"
        fetcher = Fetcher(self._client, place, self._duty.limits, tries, self._duty.tick)
        while uids := folder.pending(mark, first)[:MOST_DESCRIBED]:
            mails = describe(self._client, uids)
            for batch in fetcher.batches(mails):
                self._hand_over(folder, batch)
                if batch:
                    mark = self._advance(folder, replace(mark, last_uid=batch[-1].uid), mails)
            mark = self._advance(folder, replace(mark, last_uid=uids[-1]), [])
        self._note_good(folder, 0.0)

    def _opened(self, folder: Folder) -> tuple[Mark, FirstSeen | None]:
        """Select the folder and find where to go on; a folder that was made anew is gone through from its beginning."""
        selected = folder.select()
        box = self._duty.mailbox.id
        with self._duty.store.database.reading() as session:
            mark = imap_folders.get_mark(session, box, folder.name)
            first = imap_folders.get_first_seen(session, box, folder.name)
        if mark.uidvalidity == selected.uidvalidity:
            return mark, first
        if mark.uidvalidity:
            log.warning("imap_uidvalidity_changed", mailbox_id=box, folder=folder.name)
        first = first or FirstSeen(selected.uidvalidity, folder.next_uid(), self._duty.now().date())
        mark = Mark(selected.uidvalidity, 0)
        with self._duty.store.database.transaction() as session:
            imap_folders.save_first_seen(session, box, folder.name, first)
            imap_folders.set_mark(session, box, folder.name, mark)
        return mark, first

    def _hand_over(self, folder: Folder, batch: list[Fetched]) -> None:
        """Accept the batch, then mark on the server what is stored; what is not whole stays there as it is."""
        if not batch:
            return
        outcomes = self._accepted(folder, batch)
        stored = [mail for mail, outcome in zip(batch, outcomes, strict=True) if outcome is Outcome.STORED]
        folder.done_with([mail.uid for mail in stored if not mail.incomplete])
        log.info("imap_mails_stored", mailbox_id=self._duty.mailbox.id, folder=folder.name, count=len(stored))
        if len(stored) < len(batch):
            raise StoreRefused("no room on the disk" if Outcome.DISK_FULL in outcomes else "the database is away")

    def _accepted(self, folder: Folder, batch: list[Fetched]) -> Sequence[Outcome]:
        mails = [self._raw_mail(folder, mail) for mail in batch]
        try:
            return self._duty.accept(mails)
        except DiskFull:
            raise StoreRefused("no room on the disk") from None
        except (sa.exc.OperationalError, sa.exc.InterfaceError, OSError) as error:
            raise StoreRefused(f"nothing can be written: {type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001 - one mail that breaks the intake must not hold up the mailbox
            log.warning("imap_batch_not_accepted", mailbox_id=self._duty.mailbox.id, error=type(error).__name__)
            if len(batch) > 1:
                return [self._accepted(folder, [mail])[0] for mail in batch]
            return self._set_aside(folder, batch[0], error)

    def _set_aside(self, folder: Folder, mail: Fetched, error: Exception) -> Sequence[Outcome]:
        """A mail on which the intake fails again and again is handed over as one that nobody shall try to read."""
        key = (folder.name, mail.uid)
        self._duty.refusals[key] += 1
        if self._duty.refusals[key] <= MOST_TRIES:
            raise StoreRefused(f"the intake fails on UID {mail.uid}: {type(error).__name__}")
        reason = f"the intake failed on this mail {MOST_TRIES} times: {type(error).__name__}"
        outcomes = self._duty.accept([self._raw_mail(folder, replace(mail, incomplete=reason))])
        del self._duty.refusals[key]
        return outcomes

    def _raw_mail(self, folder: Folder, mail: Fetched) -> RawMail:
        address = self._duty.mailbox.address
        envelope = Envelope(return_path(mail.raw), (address,))
        source = f"imap:{address}/{folder.name}"
        return RawMail(mail.raw, envelope, source, self._duty.now(), mail.incomplete)

    def _advance(self, folder: Folder, mark: Mark, mails: Sequence[Described]) -> Mark:
        """The mark goes up only after the mails below it are stored and marked."""
        with self._duty.store.database.transaction() as session:
            imap_folders.set_mark(session, self._duty.mailbox.id, folder.name, mark)
            self._write_good(session, folder, self._lag(mark, mails))
        return mark

    def _note_good(self, folder: Folder, lag_seconds: float) -> None:
        with self._duty.store.database.transaction() as session:
            self._write_good(session, folder, lag_seconds)

    def _write_good(self, session: Session, folder: Folder, lag_seconds: float) -> None:
        box, now = self._duty.mailbox.id, self._duty.now()
        imap_folders.record_success(session, box, folder.name, lag_seconds, now, folder.remark)

    def _lag(self, mark: Mark, mails: Sequence[Described]) -> float:
        """How long the oldest mail that is still to fetch has been in the folder."""
        waiting = [mail.arrived_at for mail in mails if mail.uid > mark.last_uid and mail.arrived_at]
        return max(0.0, (self._duty.now() - min(waiting)).total_seconds()) if waiting else 0.0
