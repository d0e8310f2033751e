"""The IMAP pollers of one gateway process: started and stopped as the list of mailboxes changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from gateway.email.imap.config import BadImapConfig
from gateway.email.imap.poller import ImapPoller, PollerDependencies, note_failure
from gateway.email.imap.session import Accept
from storage.mail import imap_folders
from storage.open_store import Store
from storage.people.people import Mailbox

STOP_SECONDS = 10.0

log = structlog.get_logger()


class ImapPollers:
    """All IMAP pollers of this process. One with wrong settings shows as failing until its settings change."""

    def __init__(self, store: Store, accept: Accept, dependencies: PollerDependencies | None = None) -> None:
        self._store = store
        self._accept = accept
        self._dependencies = dependencies
        self._pollers: dict[int, tuple[Mailbox, ImapPoller | None]] = {}

    def keep(self, mailboxes: Iterable[Mailbox]) -> None:
        """Starts and stops pollers so that exactly these mailboxes are fetched."""
        wanted = {box.id: box for box in mailboxes if box.imap}
        self._end([number for number, (box, _) in self._pollers.items() if wanted.get(number) != box])
        for number, box in wanted.items():
            if number not in self._pollers:
                self._pollers[number] = (box, self._begin(box))

    def stop(self) -> None:
        """Finishes the current batches and ends."""
        self._end(list(self._pollers))

    def _begin(self, mailbox: Mailbox) -> ImapPoller | None:
        try:
            poller = ImapPoller(self._store, mailbox, self._accept, self._dependencies)
        except BadImapConfig as error:
            log.error("imap_settings_refused", mailbox_id=mailbox.id, why=str(error))
            note_failure(self._store, mailbox, imap_folders.folders_of(mailbox), str(error), datetime.now(UTC))
            return None
        poller.start()
        return poller

    def _end(self, numbers: list[int]) -> None:
        """All are asked to stop first, so that they finish side by side."""
        ended = [self._pollers.pop(number)[1] for number in numbers]
        for seconds in (0.0, STOP_SECONDS):
            for poller in ended:
                if poller is not None:
                    poller.stop(seconds)
