"""The newest message of each ticket of a list: who wrote it last, and its beginning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.tickets.ticket import MessageKind
from storage.db.session import Session
from storage.tables.tickets import messages

_c = messages.c
_BEGINNING = 200


@dataclass(frozen=True, slots=True)
class NewestMessage:
    """The newest message of a ticket; `beginning` is the start of its new text."""

    id: int
    ticket_id: int
    kind: MessageKind
    inbound: bool
    author_name: str
    beginning: str
    created_at: datetime


def newest_messages(session: Session, ticket_ids: Iterable[int]) -> dict[int, NewestMessage]:
    """Ticket → its newest message; side conversations do not count."""
    newest = (
        sa.select(sa.func.max(_c.id))
        .where(_c.ticket_id.in_(sorted(set(ticket_ids))), _c.side_id.is_(None))
        .group_by(_c.ticket_id)
    )
    beginning = sa.func.substr(sa.func.coalesce(sa.func.nullif(_c.reply, ""), _c.text), 1, _BEGINNING)
    columns = (_c.id, _c.ticket_id, _c.kind, _c.inbound, _c.author_name, _c.created_at, beginning.label("beginning"))
    return {
        row.ticket_id: NewestMessage(**{**row._mapping, "kind": MessageKind(row.kind)})
        for row in session.execute(sa.select(*columns).where(_c.id.in_(newest)))
    }
