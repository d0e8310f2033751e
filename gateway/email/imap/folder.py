"""One IMAP folder on a logged-in connection: which UIDs are new, and what happens to a mail that is stored.

It changes a mail on the server only in `done_with`, which is called after the COMMIT and never before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError

from gateway.email.imap.config import ImapConfig
from gateway.email.imap.errors import ImapError
from storage.mail.imap_folders import FirstSeen, Mark

WINDOW = 50_000
"""UIDs asked for in one SEARCH: its answer is one line, and imaplib takes no line over a million bytes."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Selected:
    """What SELECT says; `uidnext` is 0 where the server does not say it."""

    uidvalidity: int
    uidnext: int
    exists: int


class Folder:
    """One folder of one connection. `remark` is what could not be done to stored mails, for the health page."""

    def __init__(self, client: Any, name: str, config: ImapConfig) -> None:
        self._client = client
        self._config = config
        self.name = name
        self.remark = ""
        self.selected = Selected(0, 0, 0)

    def select(self) -> Selected:
        """Open the folder, read-only where nothing is to be changed. Raises ImapTrouble if there is no such folder."""
        try:
            answer = self._client.select_folder(self.name, readonly=self._config.after == "nothing")
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            raise ImapError(f"folder {self.name!r} cannot be opened: {error}") from None
        uidvalidity = answer.get(b"UIDVALIDITY")
        if not isinstance(uidvalidity, int):
            raise ImapError(f"folder {self.name!r} has no UIDVALIDITY, so that nothing in it can be told apart")
        self.selected = Selected(uidvalidity, answer.get(b"UIDNEXT", 0), answer.get(b"EXISTS", 0))
        return self.selected

    def next_uid(self) -> int:
        """The UID that the next mail will get, also where the server does not say it."""
        if self.selected.uidnext:
            return self.selected.uidnext
        return max(self._search(["ALL"]), default=0) + 1

    def pending(self, mark: Mark, first: FirstSeen | None) -> list[int]:
        """UIDs above the mark, in order, as many as one window has; empty if and only if there are none at all."""
        low = mark.last_uid + 1
        while True:
            high = self._window_end(low)
            # An EXISTS that comes with the answer is of a mail that the answer does not know.
            _exists_arrived(self._client)
            uids = self._wanted(low, high, mark.uidvalidity, first)
            if uids:
                return uids
            if high != "*":
                low = int(high) + 1
            elif not _exists_arrived(self._client):
                return []

    def done_with(self, uids: Sequence[int]) -> None:
        """These are stored: mark or move them as the settings say. What the server refuses is remarked, not raised."""
        if not uids or self._config.after == "nothing":
            return
        try:
            if self._config.after == "move":
                self._move(uids)
            else:
                self._client.add_flags(uids, [SEEN], silent=True)
            self.remark = ""
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            self.remark = f"fetched, but the server refused to {_AFTER_ACTIONS[self._config.after]}: {error}"
            log.warning("imap_mails_not_marked", folder=self.name, count=len(uids), after=self._config.after)

    def _window_end(self, low: int) -> str:
        few = self.selected.exists <= WINDOW or not self.selected.uidnext
        return "*" if few or low + WINDOW >= self.selected.uidnext else str(low + WINDOW - 1)

    def _wanted(self, low: int, high: str, uidvalidity: int, first: FirstSeen | None) -> list[int]:
        if first is None or self._config.start == "all":
            found = self._search(["UID", f"{low}:{high}"])
        elif first.uidvalidity != uidvalidity:
            # The UIDs were given anew, so that only the date tells what was there before us.
            found = self._search(["UID", f"{low}:{high}", "SINCE", first.day - timedelta(days=1)])
        else:
            found = self._since_first_seen(low, high, first)
        # "9:*" finds the last mail also where its UID is below 9 (RFC 3501 section 6.4.8).
        return sorted(uid for uid in set(found) if uid >= low)

    def _since_first_seen(self, low: int, high: str, first: FirstSeen) -> list[int]:
        found = (
            self._search(["UID", f"{max(low, first.uidnext)}:{high}"])
            if high == "*" or int(high) >= first.uidnext
            else []
        )
        found = [uid for uid in found if uid >= first.uidnext]
        if low < first.uidnext and self._config.start == "unseen":
            found += self._search(["UID", f"{low}:{first.uidnext - 1}", "UNSEEN"])
        return found

    def _search(self, criteria: list[Any]) -> list[int]:
        return [int(uid) for uid in self._client.search(criteria)]

    def _move(self, uids: Sequence[int]) -> None:
        try:
            self._move_now(uids)
        except IMAPClientError as error:
            if "TRYCREATE" not in str(error):
                raise
            self._client.create_folder(self._config.move_to)
            self._move_now(uids)

    def _move_now(self, uids: Sequence[int]) -> None:
        """MOVE (RFC 6851) if there is one, else copy and delete; a plain EXPUNGE would delete others' mails."""
        if self._client.has_capability("MOVE"):
            self._client.move(uids, self._config.move_to)
            return
        self._client.copy(uids, self._config.move_to)
        self._client.delete_messages(uids, silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)


_AFTER_ACTIONS = {"seen": r"set \Seen", "move": "move the mail"}


def _exists_arrived(client: Any) -> bool:
    """Whether the server said EXISTS since this was asked last. IMAPClient has no word for it, imaplib has."""
    return any(client._imap.response("EXISTS")[1])
