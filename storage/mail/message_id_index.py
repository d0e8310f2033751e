"""The index of Message-IDs: which ticket each one belongs to, even before that message has arrived.

The Message-ID is the primary key. A worker claims, in sorted order, the ids of its messages and of the parents that
they name, waits where another worker holds one, and reads back to which request each belongs. So replies that are
processed before their parents, or at the same time, end in one ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.channels import Transport
from desk.mail.states import OutboundKind, OutboundState
from desk.tickets.ticket import ActorKind, MessageKind
from storage.db.session import Session
from storage.db.statements import insert_ignore, insert_rows, update_rows
from storage.tables.tickets import inbound, messages, outbound, thread_ids


@dataclass(frozen=True, slots=True)
class IndexedId:
    """One Message-ID: `inbound_id` claimed it.

    `row_id` is 0 while only replies to it are here; `ticket_id` is 0 until settled.
    """

    message_id: str
    inbound_id: int
    ticket_id: int
    row_id: int
    content_hash: str


def claim(session: Session, claims: Mapping[str, int]) -> dict[str, IndexedId]:
    """Claims keys (key → inbound id); returns every key's row, ours or the one that was there first."""
    keys = sorted(claims)
    if not keys:
        return {}
    rows = [{"message_id": key, "inbound_id": claims[key], "content_hash": ""} for key in keys]
    insert_rows(session, thread_ids, rows, ignore=True)
    return find(session, keys)


def find(session: Session, keys: Iterable[str]) -> dict[str, IndexedId]:
    """The rows of those keys that exist."""
    c = thread_ids.c
    columns = (c.message_id, c.inbound_id, c.ticket_id, c.row_id, c.content_hash)
    rows: Any = session.execute(sa.select(*columns).where(c.message_id.in_(list(keys))))
    return {r[0]: IndexedId(r[0], r[1] or 0, r[2] or 0, r[3] or 0, r[4]) for r in rows}


def lock_received(session: Session, keys: Iterable[str]) -> dict[str, tuple[IndexedId, datetime]]:
    """Those keys whose message is here, locked until this transaction ends, and when that message came."""
    c = thread_ids.c
    columns = (c.message_id, c.inbound_id, c.ticket_id, c.row_id, c.content_hash, inbound.c.received_at)
    joined = thread_ids.join(inbound, inbound.c.id == c.inbound_id)
    where = (c.message_id.in_(sorted(set(keys))), c.row_id.is_not(None))
    query = sa.select(*columns).select_from(joined).where(*where).order_by(c.message_id)
    query = query.with_for_update(of=thread_ids) if session.postgres else query
    rows: Any = session.execute(query)
    return {r[0]: (IndexedId(r[0], r[1] or 0, r[2] or 0, r[3] or 0, r[4]), r[5]) for r in rows}


def assign(session: Session, places: Sequence[IndexedId]) -> None:
    """Stores to which tickets the ids now belong."""
    update_rows(session, thread_ids, "message_id", [_assignment(p) for p in sorted(places, key=lambda p: p.message_id)])


def message_ids_of_ticket(session: Session, ticket_id: int, requester: str, most: int = 100) -> list[str]:
    """The ids of the newest mails from and to a ticket's requester, oldest first."""
    m, o = messages.c, outbound.c
    came = (m.ticket_id == ticket_id, m.kind == str(MessageKind.REPLY), m.author_kind == str(ActorKind.REQUESTER))
    went = (
        o.ticket_id == ticket_id,
        o.recipient == requester,
        o.kind.in_((OutboundKind.ACKNOWLEDGEMENT, OutboundKind.REPLY, OutboundKind.COPY)),
    )
    left = o.state.in_((OutboundState.QUEUED, OutboundState.SENDING, OutboundState.SENT, OutboundState.CAPTURED))
    directions = sa.union_all(
        sa.select(m.created_at, sa.literal(0).label("ours"), m.id, m.external_id).where(*came, m.external_id != ""),
        sa.select(o.created_at, sa.literal(1), o.id, o.external_id).where(
            *went, left, o.transport == str(Transport.MAIL)
        ),
    ).subquery()
    newest = sa.select(directions.c.external_id).order_by(
        directions.c.created_at.desc(), directions.c.ours.desc(), directions.c.id.desc()
    )
    external_ids: Any = session.execute(newest.limit(most)).scalars()
    return [name for name in reversed(list(external_ids)) if "@" in name]


def add(session: Session, message_id: str, ticket_id: int, row_id: int) -> None:
    """Adds a message of our own, so that answers find its ticket."""
    row = {"message_id": message_id, "ticket_id": ticket_id, "row_id": row_id, "content_hash": ""}
    session.execute(insert_ignore(session, thread_ids), row)


def _assignment(entry: IndexedId) -> dict[str, Any]:
    return {
        "message_id": entry.message_id,
        "inbound_id": entry.inbound_id,
        "ticket_id": entry.ticket_id,
        "row_id": entry.row_id or None,
        "content_hash": entry.content_hash,
    }
