"""Bounces: marks the delivery that failed, if the report names a mail that we sent to the address that it reports."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from desk.mail.inbound_request import Bounce, InboundRequest
from desk.tickets.ticket import DESK, Change, Event, Ticket
from storage.db.session import Session
from storage.mail import outbound
from storage.tables.tickets import outbound as outbound_table


def mark(session: Session, ticket: Ticket, request: InboundRequest, now: datetime, message_id: int) -> Change:
    """The change that a report makes: none where it is forged, an event where a delivery of ours failed."""
    bounce = request.bounce
    row = outbound.by_external_id(session, bounce.original_message_id) if bounce else None
    if bounce is None or row is None or not _names(bounce, row["recipient"]):
        return Change(ticket)
    if bounce.permanent:
        values = {"state": outbound.BOUNCED, "reason": _reason(bounce)}
        where = (outbound_table.c.id == row["id"], outbound_table.c.state == outbound.SENT)
        session.execute(sa.update(outbound_table).where(*where).values(**values))
    kind = "delivery_failed" if bounce.permanent else "delivery_delayed"
    data = {"side": row["content"].get("side", 0)} if row["kind"] == "side" else {}
    event = Event(ticket.id, now, kind, DESK, "", row["recipient"], _reason(bounce), data, message_id)
    return Change(ticket, (event,))


def _names(bounce: Bounce, recipient: str) -> bool:
    """A report that names nobody is about the mail that it returns; one that names others is not about this one."""
    return not bounce.recipients or recipient in {address.lower() for address in bounce.recipients}


def _reason(bounce: Bounce) -> str:
    return " ".join(part for part in (bounce.status, bounce.diagnostic) if part)[:300] or "returned"
