"""How far each IMAP folder has been fetched, and whether fetching works.

A mark is (UIDVALIDITY, highest UID that is done). Beside it is stored what the folder looked like when it was first
seen, so that older mail can be recognised for as long as the folder is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert_ignore, upsert
from storage.people.people import Mailbox, all_mailboxes
from storage.tables.runtime import imap_folders
from storage.tables.tickets import settings

MOST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Mark:
    """All UIDs up to `last_uid` are done; both are 0 for a folder that was never fetched."""

    uidvalidity: int = 0
    last_uid: int = 0


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The folder when it was first fetched: UIDs below `uidnext` were there before, and so was mail before `day`."""

    uidvalidity: int
    uidnext: int
    day: date


@dataclass(frozen=True, slots=True)
class FolderHealth:
    """The state of one folder. `lag_seconds` is how long the oldest mail that is not fetched yet has waited."""

    mailbox_id: int
    mailbox: str
    folder: str
    last_good_at: datetime | None = None
    failing_since: datetime | None = None
    error: str = ""
    lag_seconds: float | None = None

    def lag(self, now: datetime) -> timedelta | None:
        """How old the knowledge of this folder may be by now; None if it was never fetched."""
        if self.last_good_at is None:
            return None
        silent = now - self.last_good_at if self.failing_since else timedelta()
        return max(silent, timedelta()) + timedelta(seconds=self.lag_seconds or 0.0)

    def seconds_behind(self, now: datetime) -> float:
        """The lag as a number, also of a folder that was never fetched: how long that has failed."""
        behind = self.lag(now)
        if behind is None:
            behind = now - self.failing_since if self.failing_since else timedelta()
        return max(0.0, behind.total_seconds())


def get_mark(session: Session, mailbox_id: int, folder: str) -> Mark:
    """Where fetching continues."""
    row = session.execute(
        sa.select(imap_folders.c.uidvalidity, imap_folders.c.last_uid).where(*_is(mailbox_id, folder))
    ).first()
    return Mark(row.uidvalidity, row.last_uid) if row else Mark()


def set_mark(session: Session, mailbox_id: int, folder: str, new: Mark) -> None:
    """Advances the mark, or begins anew under another UIDVALIDITY."""
    _change(session, mailbox_id, folder, asdict(new))


def get_first_seen(session: Session, mailbox_id: int, folder: str) -> FirstSeen | None:
    """What was stored when the folder was first fetched."""
    value = session.execute(
        sa.select(settings.c.value).where(settings.c.key == _first_seen_key(mailbox_id, folder))
    ).scalar()
    if not isinstance(value, Mapping):
        return None
    return FirstSeen(int(value["uidvalidity"]), int(value["uidnext"]), date.fromisoformat(value["day"]))


def save_first_seen(session: Session, mailbox_id: int, folder: str, first: FirstSeen) -> None:
    """Stores it once; a second call changes nothing."""
    value = {"uidvalidity": first.uidvalidity, "uidnext": first.uidnext, "day": first.day.isoformat()}
    session.execute(insert_ignore(session, settings), {"key": _first_seen_key(mailbox_id, folder), "value": value})


def record_success(
    session: Session, mailbox_id: int, folder: str, lag_seconds: float, now: datetime, remark: str = ""
) -> None:
    """The folder was fetched; `remark` names a problem although the mails are stored."""
    good = {"last_good_at": now, "failing_since": None, "error": remark[:MOST_ERROR], "lag_seconds": lag_seconds}
    _change(session, mailbox_id, folder, good)


def record_failure(session: Session, mailbox_id: int, folder: str, error: str, now: datetime) -> None:
    """Fetching failed; the time of the first failure in a row stays."""
    values = {"mailbox_id": mailbox_id, "folder": folder, "failing_since": now, "error": error[:MOST_ERROR]}
    added = session.execute(insert_ignore(session, imap_folders).values(**values))
    if added.rowcount == 1:
        return
    since = sa.func.coalesce(
        imap_folders.c.failing_since, sa.bindparam("since", now, type_=imap_folders.c.failing_since.type)
    )
    session.execute(
        sa.update(imap_folders).where(*_is(mailbox_id, folder)).values(failing_since=since, error=error[:MOST_ERROR])
    )


def list_health(session: Session) -> list[FolderHealth]:
    """Every configured folder, in the order of the mailboxes; one that was never fetched has no `last_good_at`."""
    rows = {(row.mailbox_id, row.folder): row for row in session.execute(sa.select(imap_folders))}
    watched = [(box, folder) for box in all_mailboxes(session) if box.imap for folder in folders_of(box)]
    return [_health(box, folder, rows.get((box.id, folder))) for box, folder in watched]


def folders_of(mailbox: Mailbox) -> list[str]:
    """The folders that the mailbox's settings name."""
    named = (mailbox.imap or {}).get("folders") or ["INBOX"]
    return [str(folder) for folder in named] if isinstance(named, list) else ["INBOX"]


def _health(mailbox: Mailbox, folder: str, row: Any) -> FolderHealth:
    if row is None:
        return FolderHealth(mailbox.id, mailbox.address, folder)
    state = (row.last_good_at, row.failing_since, row.error, row.lag_seconds)
    return FolderHealth(mailbox.id, mailbox.address, folder, *state)


def _change(session: Session, mailbox_id: int, folder: str, values: dict[str, Any]) -> None:
    keys = {"mailbox_id": mailbox_id, "folder": folder}
    upsert(session, imap_folders, list(keys), keys | values)


def _is(mailbox_id: int, folder: str) -> tuple[Any, Any]:
    return imap_folders.c.mailbox_id == mailbox_id, imap_folders.c.folder == folder


def _first_seen_key(mailbox_id: int, folder: str) -> str:
    return f"imap-first-seen/{mailbox_id}/{folder}"
