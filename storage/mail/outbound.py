"""The outbound log: a message is stored first, then sent, then marked. Its Message-ID never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.channels import Transport, is_read_by_others
from desk.mail.content import MailContent
from desk.mail.states import OutboundKind, OutboundState
from storage.access import visibility
from storage.db.session import Session, enqueue
from storage.db.statements import claim_rows, insert_rows, read_counts, update_rows
from storage.mail.outbound_content import read_content
from storage.mail.outbound_message import ClaimedMessage, OutboundMessage, SentMessage
from storage.tables.tickets import outbound

_TO_REQUESTERS = (
    OutboundKind.ACKNOWLEDGEMENT,
    OutboundKind.REPLY,
    OutboundKind.COPY,
    OutboundKind.REMINDER,
    OutboundKind.CONFIRMATION,
    OutboundKind.COMMAND_ANSWER,
    OutboundKind.SIDE,
)
"""Messages to somebody who takes part in the ticket or in a side conversation, or who has just written."""
LEASE = timedelta(seconds=25)
"""How long a row stays with the worker that claimed it, before another may try; the worker renews it."""


def store(session: Session, outgoing: Sequence[OutboundMessage], now: datetime) -> None:
    """Stores messages; one whose dedupe_key is known stays as it was. Enqueues deliver.

    What would tell an agent of a private ticket of others is kept without its words, and does not leave.
    """
    rows = [
        {
            "dedupe_key": message.dedupe_key,
            "transport": str(message.transport),
            "kind": str(message.kind),
            "ticket_id": message.ticket_id,
            "message_id": message.message_id,
            "recipient": message.recipient,
            "external_id": message.external_id,
            "content": message.content.to_json(),
            "state": str(message.state),
            "reason": message.reason,
            "next_at": now,
            "created_at": now,
        }
        for message in sorted(_withhold_private(session, outgoing), key=lambda message: message.dedupe_key)
    ]
    if rows:
        insert_rows(session, outbound, rows, ignore=True)
        number = session.execute(_BY_KEY, {"dedupe_key": rows[0]["dedupe_key"]}).scalar_one()
        enqueue(session, "deliver", int(number))


_BY_KEY = sa.select(outbound.c.id).where(outbound.c.dedupe_key == sa.bindparam("dedupe_key"))


def _withhold_private(session: Session, outgoing: Sequence[OutboundMessage]) -> list[OutboundMessage]:
    pairs = {
        (message.ticket_id, message.recipient)
        for message in outgoing
        if message.ticket_id and message.kind not in _TO_REQUESTERS
    }
    outside = visibility.outsiders(session, pairs) if pairs else set()
    posted = {
        message.ticket_id
        for message in outgoing
        if message.ticket_id and is_read_by_others(message.transport, message.content)
    }
    private = visibility.private_tickets(session, posted) if posted else set()
    stored = [
        _without_content(message) if (message.ticket_id, message.recipient) in outside else message
        for message in outgoing
    ]
    return [
        _undeliverable_reply(message)
        if message.ticket_id in private and is_read_by_others(message.transport, message.content)
        else message
        for message in stored
    ]


def _undeliverable_reply(message: OutboundMessage) -> OutboundMessage:
    """A reply that may not be sent is undeliverable, so that its agent sees it."""
    state = OutboundState.UNDELIVERABLE if message.kind == OutboundKind.REPLY else OutboundState.SUPPRESSED
    return replace(message, state=state, reason="the ticket is private, and others read its Slack channel")


def _without_content(message: OutboundMessage) -> OutboundMessage:
    if message.kind in _TO_REQUESTERS:
        return message
    why = "its reader is in no private team of this ticket"
    return replace(message, state=OutboundState.SUPPRESSED, reason=why, content=MailContent())


def claim(session: Session, most: int, now: datetime, first: Sequence[int] = ()) -> list[ClaimedMessage]:
    """Up to `most` rows that are due, those in `first` before others, marked as being sent until the lease ends."""
    due = outbound.c.state.in_((OutboundState.QUEUED, OutboundState.SENDING)) & (outbound.c.next_at <= now)
    picked = sa.select(outbound.c.id).where(due).order_by(outbound.c.next_at, outbound.c.id)
    ids = [row.id for row in claim_rows(session, picked, outbound.c.id, first, most)]
    if not ids:
        return []
    values = {"state": OutboundState.SENDING, "attempts": outbound.c.attempts + 1, "next_at": now + LEASE}
    session.execute(sa.update(outbound).where(outbound.c.id.in_(ids)).values(**values))
    columns = [outbound.c[name] for name in ClaimedMessage.__dataclass_fields__]
    rows = session.execute(sa.select(*columns).where(outbound.c.id.in_(ids)).order_by(outbound.c.id))
    return [_claimed(row._mapping) for row in rows]


def _claimed(row: sa.RowMapping) -> ClaimedMessage:
    content = read_content(row["transport"], row["content"])
    return ClaimedMessage(**{**row, "kind": OutboundKind(row["kind"]), "content": content})


def renew(session: Session, message: ClaimedMessage, now: datetime) -> bool:
    """Extends the lease of a claimed row; False if another worker has it in the meantime."""
    mine = (
        outbound.c.id == message.id,
        outbound.c.state == OutboundState.SENDING,
        outbound.c.attempts == message.attempts,
    )
    return session.execute(sa.update(outbound).where(*mine).values(next_at=now + LEASE)).rowcount == 1


def mark(
    session: Session, outbound_id: int, state: OutboundState, now: datetime, reason: str = "", raw: str = ""
) -> None:
    """Sets the row's end state: sent, caught, undeliverable, suppressed."""
    values: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "sent_at": now if state in (OutboundState.SENT, OutboundState.CAPTURED) else None,
    }
    if raw:
        values["raw"] = raw
    session.execute(
        sa.update(outbound)
        .where(outbound.c.id == outbound_id, outbound.c.state != OutboundState.BOUNCED)
        .values(**values)
    )


def mark_captured(session: Session, raws: Mapping[int, str], now: datetime) -> None:
    """Marks the rows whose mails (id → blob) were captured here instead of being sent."""
    rows = [
        {"id": i, "state": OutboundState.CAPTURED, "reason": "", "sent_at": now, "raw": raw} for i, raw in raws.items()
    ]
    update_rows(session, outbound, "id", rows)


def postpone(session: Session, outbound_id: int, until: datetime, reason: str) -> None:
    """Postpones the row until that moment."""
    values = {"state": OutboundState.QUEUED, "next_at": until, "reason": reason}
    session.execute(sa.update(outbound).where(outbound.c.id == outbound_id).values(**values))


def state_of(session: Session, dedupe_key: str) -> str:
    """The state of the row with that key; empty where there is none."""
    query = sa.select(outbound.c.state).where(outbound.c.dedupe_key == dedupe_key)
    return session.execute(query).scalar() or ""


def is_due(session: Session, now: datetime) -> bool:
    """Whether a waiting row is due."""
    query = (
        sa.select(outbound.c.id)
        .where(outbound.c.state.in_((OutboundState.QUEUED, OutboundState.SENDING)), outbound.c.next_at <= now)
        .limit(1)
    )
    return session.execute(query).scalar() is not None


def mark_returned(session: Session, outbound_id: int, reason: str) -> bool:
    """A mail that had left came back; False if that is known, or if it never left.

    The report may be faster than the worker that marks what it has just sent.
    """
    left = (outbound.c.id == outbound_id, outbound.c.state.in_((OutboundState.SENT, OutboundState.SENDING)))
    values = {"state": OutboundState.BOUNCED, "reason": reason}
    return session.execute(sa.update(outbound).where(*left).values(**values)).rowcount == 1


def by_ids(session: Session, ids: Iterable[int]) -> list[SentMessage]:
    """The mails with those numbers."""
    return _sent_where(session, outbound.c.id, ids)


def by_external_ids(session: Session, names: Iterable[str]) -> list[SentMessage]:
    """The mails with those Message-IDs: one for each recipient, oldest first."""
    return _sent_where(session, outbound.c.external_id, names)


def _sent_where(session: Session, column: sa.Column[Any], values: Iterable[Any]) -> list[SentMessage]:
    unique_values = sorted(set(values))
    if not unique_values:
        return []
    columns = [outbound.c[name] for name in SentMessage.__dataclass_fields__]
    rows = session.execute(sa.select(*columns).where(column.in_(unique_values)).order_by(outbound.c.id))
    return [_sent(row._mapping) for row in rows]


def _sent(row: sa.RowMapping) -> SentMessage:
    content = MailContent.from_json(row["content"] or {})
    return SentMessage(**{**row, "kind": OutboundKind(row["kind"]), "content": content})


AUTOMATIC = (
    OutboundKind.ACKNOWLEDGEMENT,
    OutboundKind.COMMAND_ANSWER,
    OutboundKind.CONFIRMATION,
    OutboundKind.REMINDER,
)


def recent_automatic(
    session: Session, recipients: Sequence[str], since: datetime, of_kinds: Sequence[OutboundKind] = AUTOMATIC
) -> dict[str, int]:
    """How many automatic mails each recipient got since then: the reply budget."""
    where = (outbound.c.recipient.in_(list(recipients)), outbound.c.created_at > since)
    kinds = outbound.c.kind.in_(of_kinds)
    query = sa.select(outbound.c.recipient, sa.func.count()).where(
        *where, kinds, outbound.c.state != OutboundState.SUPPRESSED
    )
    return read_counts(session, query.group_by(outbound.c.recipient))


def recent_notices(session: Session, ticket_ids: Sequence[int], since: datetime) -> dict[tuple[int, str], int]:
    """How many notices about each ticket each agent got since then."""
    where = (
        outbound.c.ticket_id.in_(list(ticket_ids)),
        outbound.c.kind == OutboundKind.NOTICE,
        outbound.c.created_at > since,
    )
    query = sa.select(outbound.c.ticket_id, outbound.c.recipient, sa.func.count()).where(*where)
    rows: Any = session.execute(query.group_by(outbound.c.ticket_id, outbound.c.recipient))
    return {(row[0], row[1]): row[2] for row in rows}


def messages_of_ticket(session: Session, ticket_id: int) -> list[dict[str, Any]]:
    """All outbound messages of a ticket, oldest first, without the content."""
    columns = [column for column in outbound.c if column.name != "content"]
    rows = session.execute(sa.select(*columns).where(outbound.c.ticket_id == ticket_id).order_by(outbound.c.id))
    return [dict(row._mapping) for row in rows]


def texts_to(session: Session, ticket_id: int, recipient: str, most: int) -> list[str]:
    """The texts of the newest mails about a ticket to somebody."""
    where = (
        outbound.c.ticket_id == ticket_id,
        outbound.c.recipient == recipient,
        outbound.c.transport == str(Transport.MAIL),
    )
    query = sa.select(outbound.c.content).where(*where).order_by(outbound.c.id.desc()).limit(most)
    return [str(content.get("text", "")) for content in session.execute(query).scalars()]


def list_captured(session: Session, most: int = 200) -> list[dict[str, Any]]:
    """The newest mails that were captured because there is no relay."""
    where = (outbound.c.state == OutboundState.CAPTURED, *_visible_condition(session))
    query = sa.select(outbound).where(*where).order_by(outbound.c.id.desc()).limit(most)
    return [dict(row._mapping) for row in session.execute(query)]


def get(session: Session, outbound_id: int) -> dict[str, Any] | None:
    row = session.execute(sa.select(outbound).where(outbound.c.id == outbound_id, *_visible_condition(session))).first()
    return dict(row._mapping) if row else None


def _visible_condition(session: Session) -> list[sa.ColumnElement[bool]]:
    """A mail with a link that opens private tickets is visible only to viewers who see all of them."""
    visible = visibility.ticket_id_condition(session, outbound.c.ticket_id)
    return [*visible, outbound.c.kind != OutboundKind.REQUESTS_LINK] if session.viewer.hidden else visible


def totals(session: Session) -> dict[str, int]:
    """Rows by state."""
    query = sa.select(outbound.c.state, sa.func.count()).group_by(outbound.c.state)
    return read_counts(session, query)
