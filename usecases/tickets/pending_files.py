"""Files whose bytes arrive after their message: which ones must still be fetched, and the result.

A row waits for a worker to claim it. In the end the file is on its message like any other, or is named there with the
reason why it could not be fetched. Nothing here uses the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.mail.stored_file import StoredFile
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Change, Event, Message
from storage.db.session import Session, enqueue
from storage.db.statements import claim_rows, insert_rows
from storage.tables.runtime import late_files
from storage.tables.tickets import messages
from storage.tickets import tickets

LEASE = timedelta(minutes=3)
SLACK = "slack:"
"""The content id of a file that waits in Slack begins so."""

_c = late_files.c


@dataclass(frozen=True, slots=True)
class PendingFile:
    """One file to be fetched by a worker; `attempts` counts this try."""

    id: int
    ticket_id: int
    message_id: int
    place: int
    file_id: str
    attempts: int


def request_files(session: Session, new_messages: Iterable[Message], now: datetime) -> None:
    """Requests the files of these messages that have no bytes yet; a second time changes nothing."""
    rows: list[dict[str, Any]] = [
        {"ticket_id": message.ticket_id, "message_id": message.id, "place": place, "file_id": file_id, "next_at": now}
        for message in new_messages
        for place, file in enumerate(message.attachments)
        if (file_id := _wanted(file))
    ]
    if rows:
        insert_rows(session, late_files, rows, ignore=True)
        enqueue(session, "fetch_files", rows[0]["message_id"])


def is_due(session: Session, now: datetime) -> bool:
    return session.execute(sa.select(_c.id).where(_c.next_at <= now).limit(1)).scalar() is not None


def claim(session: Session, now: datetime, first: Sequence[int] = ()) -> PendingFile | None:
    """One file that is due, of the messages in `first` before others; nobody else fetches it for a while."""
    query = sa.select(_c.id).where(_c.next_at <= now).order_by(_c.next_at, _c.id)
    rows = claim_rows(session, query, _c.message_id, first, 1)
    if not rows:
        return None
    number = rows[0].id
    values = {"attempts": _c.attempts + 1, "next_at": now + LEASE}
    columns = [_c[name] for name in PendingFile.__dataclass_fields__]
    claimed = sa.update(late_files).where(_c.id == number).values(**values).returning(*columns)
    return PendingFile(**session.execute(claimed).one()._mapping)


def postpone(session: Session, late: PendingFile, until: datetime) -> None:
    session.execute(sa.update(late_files).where(_c.id == late.id).values(next_at=until))


def store_file(session: Session, late: PendingFile, sha256: str, size: int, media_type: str, now: datetime) -> None:
    """The file has been fetched and is stored under that hash: from now on it is a file like any other."""

    def fetched(file: StoredFile) -> StoredFile:
        return replace(file, sha256=sha256, size=size, media_type=media_type or file.media_type)

    _end(session, late, fetched, EventKind.FILE_FETCHED, "", now)


def mark_missing(session: Session, late: PendingFile, why: str, now: datetime) -> None:
    """The file cannot be fetched; it stays named on its message, with the reason."""
    _end(session, late, lambda file: replace(file, missing=why), EventKind.FILE_MISSING, why, now)


def _end(
    session: Session,
    late: PendingFile,
    end: Callable[[StoredFile], StoredFile],
    kind: EventKind,
    why: str,
    now: datetime,
) -> None:
    """The process that deletes the row stores the result; the message may be on another ticket by now."""
    if session.execute(sa.delete(late_files).where(_c.id == late.id)).rowcount != 1:
        return
    message = _locked_message(session, late.message_id)
    if message is None or late.place >= len(message.attachments) or not _wanted(message.attachments[late.place]):
        return
    files = list(message.attachments)
    files[late.place] = end(files[late.place])
    stored = [file.to_json() for file in files]
    session.execute(sa.update(messages).where(messages.c.id == message.id).values(attachments=stored))
    ticket = tickets.get(session, message.ticket_id, lock=True)
    if ticket is not None:
        name = files[late.place].name or late.file_id
        event = Event(ticket.id, now, kind, DESK, after=name, why=why, message_id=message.id)
        tickets.save(session, Change(ticket, (event,)), react=False)


def _locked_message(session: Session, message_id: int) -> Message | None:
    """The message, whose ticket this transaction holds: another file of it may arrive at this very moment."""
    named = tickets.message(session, message_id)
    ticket = tickets.get(session, named.ticket_id, lock=True) if named else None
    again = tickets.message(session, message_id) if ticket else None
    was_moved = again is not None and ticket is not None and again.ticket_id != ticket.id
    return _locked_message(session, message_id) if was_moved else again


def _wanted(file: StoredFile) -> str:
    """The id of a file that waits to be fetched; empty for all others."""
    waits = not file.sha256 and not file.missing and file.content_id.startswith(SLACK)
    return file.content_id.removeprefix(SLACK) if waits else ""
