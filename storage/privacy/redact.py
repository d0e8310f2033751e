"""Redacts tickets and messages: removes text and names, keeps numbers and times, so that reports do not change.

Returns how much was removed, and the blobs that may be unused now (`storage/operations/blob_gc.py` removes them). The
history of a redacted ticket says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.mail.states import OutboundState
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Event
from storage.db.session import Session
from storage.tables.desk import ratings
from storage.tables.learning import foreign_numbers, incident_reports, solved
from storage.tables.people import drafts, scheduled_replies, side_conversations
from storage.tables.runtime import idempotency, late_files, slack_threads
from storage.tables.tickets import events, inbound, messages, outbound, participants, predictions, thread_ids, tickets
from storage.tickets import tickets as ticket_rows

EMPTIED = EventKind.ERASED
"""The event of a ticket whose words are gone."""
REDACTED_NAME = "(erased)"
KEPT_WORDS = (
    EventKind.STATUS_CHANGED, EventKind.REOPENED, EventKind.PRIORITY_CHANGED, EventKind.CATEGORY_CHANGED,
    EventKind.CATEGORY_CONFIRMED, EventKind.TEAM_CHANGED, EventKind.ASSIGNED, EventKind.OPENED, EventKind.MERGED_INTO,
    EventKind.MERGED_FROM, EventKind.SPLIT, EventKind.LINKED, EventKind.PARENT_CHANGED, EventKind.SLA_WARNED,
    EventKind.SLA_BREACHED, EventKind.SLA_ESCALATED, EventKind.INCIDENT_JOINED, EventKind.INCIDENT_LEFT,
    EventKind.SNOOZED, EventKind.WOKEN,
)  # fmt: skip
"""Events whose `before` and `after` are states, numbers and names of the desk's own people: figures rest on them."""
_STATES = ("priority", "automatic")
_NOTHING: dict[str, Any] = {
    "subject": "", "text": "", "reply": "", "html": "", "cut": [], "attachments": [], "recipients": {},
    "external_id": "", "references": [], "signal_detail": "", "trust": {}, "raw": "", "content_hash": "",
}  # fmt: skip


@dataclass
class Redaction:
    """How many rows were redacted or removed, by table; and the blobs that they named."""

    counts: Counter[str] = field(default_factory=Counter)
    blobs: set[str] = field(default_factory=set)

    def add(self, what: str, result: sa.CursorResult[Any]) -> None:
        if result.rowcount > 0:
            self.counts[what] += result.rowcount


def redact_tickets(session: Session, ids: Iterable[int], actor: Actor, at: datetime, why: str) -> Redaction:
    """Removes all text of these tickets, whoever wrote it; their numbers, times, states and owners stay."""
    unique_ids, redaction = sorted(set(ids)), Redaction()
    if not unique_ids:
        return redaction
    ticket_rows.get_many(session, unique_ids, lock=True)
    message_ids = session.execute(sa.select(messages.c.id).where(messages.c.ticket_id.in_(unique_ids))).scalars()
    redact_messages(session, list(message_ids), redaction)
    _redact_outbound_rows(session, outbound.c.ticket_id.in_(unique_ids), redaction)
    redact_inbound(session, inbound.c.ticket_id.in_(unique_ids), redaction)
    _redact_attached_rows(session, unique_ids, redaction)
    _empty_events(session, unique_ids)
    values = {
        "subject": REDACTED_NAME,
        "conversation": "",
        "tags": [],
        "fields": {},
        "priority_why": {},
        "resolution": "",
    }
    update = sa.update(tickets).where(tickets.c.id.in_(unique_ids)).values(**values, version=tickets.c.version + 1)
    redaction.add("tickets", session.execute(update))
    ticket_rows.add_events(session, [Event(number, at, EMPTIED, actor, why=why) for number in unique_ids], react=False)
    return redaction


def redact_messages(session: Session, ids: Sequence[int], redaction: Redaction) -> None:
    """Removes the text of these messages."""
    if not ids:
        return
    chosen = messages.c.id.in_(ids)
    for row in session.execute(sa.select(messages.c.raw, messages.c.attachments).where(chosen)):
        redaction.blobs |= {row.raw, *(str(file.get("sha256", "")) for file in row.attachments or ())} - {""}
    values = dict(_NOTHING) | {"author_name": "", "author_address": ""}
    redaction.add("messages", session.execute(sa.update(messages).where(chosen).values(**values)))
    redact_inbound(session, inbound.c.message_id.in_(ids), redaction)
    guessed = sa.update(predictions).where(predictions.c.message_id.in_(ids)).values(reasons=[], runners_up=[])
    redaction.add("predictions", session.execute(guessed))
    session.execute(sa.delete(thread_ids).where(thread_ids.c.row_id.in_(ids)))


def redact_inbound(session: Session, where: sa.ColumnElement[bool], redaction: Redaction) -> None:
    """Redacts rows of the inbound log; their end state stays."""
    c = inbound.c
    inbound_rows = session.execute(sa.select(c.id, c.raw).where(where, c.content_hash.not_like("erased-%"))).all()
    redaction.blobs |= {row.raw for row in inbound_rows} - {""}
    mark = sa.literal("erased-") + sa.cast(c.id, sa.Text)
    values = {"request": "", "envelope": {}, "raw": "", "external_id": "", "reason": "", "content_hash": mark}
    ids = [row.id for row in inbound_rows]
    session.execute(sa.delete(idempotency).where(idempotency.c.inbound_id.in_(ids)))
    redaction.add("requests", session.execute(sa.update(inbound).where(c.id.in_(ids)).values(**values)))


def redact_outbound(session: Session, ids: Sequence[int], redaction: Redaction) -> None:
    """Redacts rows of the outbound log; their kind and end state stay."""
    if ids:
        _redact_outbound_rows(session, outbound.c.id.in_(ids), redaction)


def _redact_outbound_rows(session: Session, where: sa.ColumnElement[bool], redaction: Redaction) -> None:
    waiting = outbound.c.state.in_((OutboundState.QUEUED, OutboundState.SENDING))
    for row in session.execute(sa.select(outbound.c.raw, outbound.c.content).where(where)):
        files = (row.content or {}).get("attachments") or ()
        redaction.blobs |= {row.raw, *(str(file.get("sha256", "")) for file in files)} - {""}
    values = {"recipient": REDACTED_NAME, "content": {}, "raw": "", "reason": ""}
    state = sa.case((waiting, str(OutboundState.SUPPRESSED)), else_=outbound.c.state)
    redaction.add("letters", session.execute(sa.update(outbound).where(where).values(**values, state=state)))


def _redact_attached_rows(session: Session, ids: Sequence[int], redaction: Redaction) -> None:
    """Redacts rows that belong to a ticket and have text of their own."""
    for name, table in {
        "suggestions": solved, "participants": participants, "foreign_numbers": foreign_numbers, "drafts": drafts,
        "scheduled_replies": scheduled_replies, "incident_reports": incident_reports, "thread_ids": thread_ids,
        "slack_threads": slack_threads, "late_files": late_files,
    }.items():  # fmt: skip
        redaction.add(name, session.execute(sa.delete(table).where(table.c.ticket_id.in_(ids))))
    sides = sa.update(side_conversations).where(side_conversations.c.ticket_id.in_(ids))
    redaction.add("side_conversations", session.execute(sides.values(subject="", address="", people=[])))
    session.execute(sa.update(ratings).where(ratings.c.ticket_id.in_(ids)).values(comment=""))
    session.execute(sa.update(predictions).where(predictions.c.ticket_id.in_(ids)).values(reasons=[], runners_up=[]))


def _empty_events(session: Session, ids: Sequence[int]) -> None:
    """Removes reasons, quoted text and the requester's name; states and numbers stay."""
    own = events.c.ticket_id.in_(ids)
    session.execute(sa.update(events).where(own).values(why=""))
    session.execute(sa.update(events).where(own, events.c.kind.not_in(KEPT_WORDS)).values(before="", after="", data={}))
    session.execute(
        sa.update(events).where(own, events.c.actor_kind.in_(("requester", "third_party"))).values(actor_name="")
    )
    for row in session.execute(sa.select(events.c.id, events.c.data).where(own)).all():
        plain_data = {name: value for name, value in (row.data or {}).items() if name in _STATES or _is_plain(value)}
        if plain_data != row.data:
            session.execute(sa.update(events).where(events.c.id == row.id).values(data=plain_data))


def _is_plain(value: Any) -> bool:
    """Numbers and booleans; texts and lists may quote."""
    return value is None or isinstance(value, (bool, int, float))
