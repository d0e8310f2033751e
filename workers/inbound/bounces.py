"""Delivery reports (bounces): finds the outbound message that a report is about, and records the failure on its ticket.

A Message-ID alone proves nothing, because every answer quotes it. A report counts if it was sent to the envelope sender
of that very message (which is signed and known to its recipient only), or if our mail server vouches for the machine
that wrote it and that machine belongs to the recipient's domain, to ours or to the relay's. It must name the recipient,
if it names any, and come while mail servers still retry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from desk.config.settings import Settings
from desk.mail.authentication import Verdict
from desk.mail.inbound_request import Bounce, InboundRequest
from desk.mail.states import OutboundKind
from desk.signed import reply_address
from desk.tickets import delivery, threading
from desk.tickets.delivery import Failure, How
from desk.tickets.ticket import Change, Ticket
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import SentMessage
from storage.people.addresses import canonical
from storage.tickets import tickets

LATEST = timedelta(days=10)
"""Mail servers give up after five days, some after a week."""
_MACHINES = ("mailer-daemon", "postmaster", "microsoftexchange")
_SAME = {"googlemail.com": "gmail.com"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail to one recipient, as a report names it. `signed`: it came to that mail's own envelope sender."""

    id: int
    kind: OutboundKind
    recipient: str
    ticket_id: int
    external_id: str
    reply_id: int | None
    side_id: int
    created_at: datetime
    sent_at: datetime | None
    mailbox: str
    signed: bool


def find_deliveries(session: Session, reports: Mapping[int, InboundRequest], secret: bytes) -> dict[int, Delivery]:
    """For each report (by the number of its inbound row) the delivery that it is about, if it names one of ours."""
    own = {number: _outbound_id(request, secret) for number, request in reports.items()}
    names = {number: _original(request) for number, request in reports.items()}
    by_id = {row.id: row for row in outbound.by_ids(session, filter(None, own.values()))}
    by_name: dict[str, list[SentMessage]] = {}
    for row in outbound.by_external_ids(session, filter(None, names.values())):
        by_name.setdefault(row.external_id, []).append(row)
    chosen = {n: _chosen(r, by_id.get(own[n] or 0), by_name.get(names[n], ())) for n, r in reports.items()}
    return {number: one for number, one in chosen.items() if one is not None}


def _chosen(request: InboundRequest, signed: SentMessage | None, rows: Sequence[SentMessage]) -> Delivery | None:
    """The row whose envelope sender it came to; a copy that the report names, where it came to the requester's."""
    named = _addressed(request, rows)
    if signed is None:
        return _delivery(named, signed=False)
    # Each recipient knows the envelope sender of their own mail. Somebody in copy must not use it to say that the
    # requester got nothing, or another copy; a copy that failed moves nothing, so the requester's is enough for it.
    of_same = named is not None and named.external_id == signed.external_id
    if of_same and signed.kind == OutboundKind.REPLY and named is not None and named.kind == OutboundKind.COPY:
        return _delivery(named, signed=True)
    return _delivery(signed, signed=True)


def is_credible(request: InboundRequest, about: Delivery, verdict: Verdict, settings: Settings) -> bool:
    """Whether a report is to be believed; `verdict` is what our mail server says of its author."""
    bounce = request.bounce
    if bounce is None or not about.created_at <= request.received_at <= (about.sent_at or about.created_at) + LATEST:
        return False
    if bounce.recipients and not _names(bounce, about.recipient):
        return False
    return about.signed or not settings.signed_bounces or _is_vouched(request, about, verdict, settings.relay_url)


def record(
    session: Session, ticket: Ticket, request: InboundRequest, about: Delivery | None, now: datetime, message_id: int
) -> Change:
    """The change that a report makes: none where it proved nothing, an event where a delivery of ours failed."""
    bounce = request.bounce
    if bounce is None or about is None:
        return Change(ticket)
    how = How.RETURNED if bounce.permanent else How.DELAYED
    if bounce.permanent and not outbound.mark_returned(session, about.id, _reason(bounce)):
        return Change(ticket)
    reply = tickets.message(session, about.reply_id) if about.reply_id else None
    reply_at = reply.created_at if reply else None
    failure = Failure(
        how, about.kind, about.recipient, _reason(bounce), about.reply_id, about.side_id, reply_at, message_id
    )
    return delivery.failed(ticket, failure, now)


def _outbound_id(request: InboundRequest, secret: bytes) -> int | None:
    numbers = (reply_address.outbound_of_bounce_address(one, secret) for one in threading.reply_addresses(request))
    return next((number for number in numbers if number), None)


def _original(request: InboundRequest) -> str:
    return request.bounce.original_message_id if request.bounce else ""


def _addressed(request: InboundRequest, rows: Sequence[SentMessage]) -> SentMessage | None:
    """Of the rows of one mail, the one whose recipient the report names; the first if it names nobody."""
    bounce = request.bounce
    if bounce is None or not bounce.recipients:
        return rows[0] if len(rows) == 1 else None
    return next((row for row in rows if _names(bounce, row.recipient)), None)


def _delivery(row: SentMessage | None, *, signed: bool) -> Delivery | None:
    if row is None or not row.ticket_id:
        return None
    return Delivery(
        row.id, row.kind, row.recipient, row.ticket_id, row.external_id, row.message_id,
        row.content.side, row.created_at, row.sent_at, row.content.mailbox, signed,
    )  # fmt: skip


def _is_vouched(request: InboundRequest, about: Delivery, verdict: Verdict, relay_url: str) -> bool:
    """Whether a machine of the recipient's domain, of ours or of the relay's wrote it, as our mail server says."""
    local, _, domain = canonical(request.sender.address).rpartition("@")
    if verdict is not Verdict.PASS or not local.startswith(_MACHINES):
        return False
    parties = (about.recipient, about.mailbox, f"@{urlsplit(relay_url).hostname or ''}")
    return any(_is_of(_SAME.get(domain, domain), canonical(one).rpartition("@")[2]) for one in parties)


def _is_of(domain: str, other: str) -> bool:
    """The same domain, or one below the other."""
    return bool(domain and other) and (domain == other or other.endswith(f".{domain}") or domain.endswith(f".{other}"))


def _names(bounce: Bounce, recipient: str) -> bool:
    return canonical(recipient) in _all(bounce.recipients)


def _all(recipients: Iterable[str]) -> set[str]:
    return {canonical(one) for one in recipients}


def _reason(bounce: Bounce) -> str:
    return " ".join(part for part in (bounce.status, bounce.diagnostic) if part)[:300] or "returned"
