"""Agents' drafts: one unsent text for each agent and ticket, a reply or a note.

Only their agent reads them. They are no part of the ticket, so saving one is no event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.mail.stored_file import StoredFile
from desk.tickets.ticket import MessageKind
from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.people import drafts

_c = drafts.c


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsent text and the files that were attached to it."""

    kind: MessageKind
    text: str
    files: tuple[StoredFile, ...] = ()


def save(session: Session, ticket_id: int, agent_id: int, draft: Draft, now: datetime) -> None:
    """Stores the current text; an empty one deletes the draft."""
    if not draft.text.strip() and not draft.files:
        delete_draft(session, ticket_id, agent_id)
        return
    # One box is one draft: a reply that became a note is no reply any more.
    session.execute(sa.delete(drafts).where(*_of_agent(ticket_id, agent_id), _c.kind != str(draft.kind)))
    row = {"ticket_id": ticket_id, "agent_id": agent_id, "kind": str(draft.kind), "text": draft.text, "at": now}
    row["files"] = [file.to_json() for file in draft.files]
    upsert(session, drafts, ("ticket_id", "agent_id", "kind"), row)


def add_returned(
    session: Session, ticket_id: int, agent_id: int, text: str, now: datetime, files: tuple[StoredFile, ...] = ()
) -> None:
    """Adds the text of a reply that was cancelled or refused above what was typed in the meantime, and its files."""
    before = get(session, ticket_id, agent_id)
    joined = f"{text}\n\n{before.text}" if before and before.text != text else text
    kept = files + tuple(file for file in (before.files if before else ()) if file not in files)
    save(session, ticket_id, agent_id, Draft(MessageKind.REPLY, joined, kept), now)


def get(session: Session, ticket_id: int, agent_id: int) -> Draft | None:
    query = sa.select(_c.kind, _c.text, _c.files).where(*_of_agent(ticket_id, agent_id)).order_by(_c.at.desc()).limit(1)
    row = session.execute(query).first()
    if row is None:
        return None
    return Draft(MessageKind(row.kind), row.text, tuple(StoredFile.from_json(file) for file in row.files))


def delete_draft(session: Session, ticket_id: int, agent_id: int) -> None:
    session.execute(sa.delete(drafts).where(*_of_agent(ticket_id, agent_id)))


def _of_agent(ticket_id: int, agent_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (_c.ticket_id == ticket_id, _c.agent_id == agent_id)
