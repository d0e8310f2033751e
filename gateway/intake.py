"""Stores the requests of every channel in one transaction, and enqueues the ingest job after the commit.

A queue that is down changes nothing: the scheduler enqueues again. Mail is parsed in the sandbox first; what cannot be
parsed is stored as quarantined.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog
from structlog.contextvars import bound_contextvars

from desk.mail.inbound_request import Envelope, InboundRequest, to_json
from desk.tickets import threading
from gateway.email.mime import spam_and_loop
from gateway.email.parse.normalise import Normalised
from gateway.email.sandbox.pool import Quarantine, SandboxPool
from gateway.email.sandbox.process import SandboxUnavailable
from gateway.email.smtp.types import DiskFull, Outcome, RawMail
from storage.db.session import Session, is_disk_full
from storage.mail import inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store
from storage.runtime import idempotency
from storage.runtime.failures import reason_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with the bytes that belong to it: `files` are (sha256, content) of its attachments."""

    request: InboundRequest
    files: tuple[tuple[str, bytes], ...] = ()
    raw: bytes = b""


def accept(store: Store, incoming: Sequence[Incoming], now: datetime) -> list[int]:
    """Stores requests; returns their inbound ids once they are committed. A copy gets the id of the first."""
    with store.database.transaction() as session:
        return [_write_one(store, session, one, now) for one in incoming]


def accept_once(store: Store, incoming: Incoming, key: str, now: datetime) -> int:
    """The same for a client that repeats itself under a key; raises KeyReused if the content is another."""
    with store.database.transaction() as session:
        known = idempotency.begin(session, key, incoming.request.content_hash, now)
        if known is not None:
            return known
        inbound_id = _write_one(store, session, incoming, now)
        idempotency.finish(session, key, inbound_id)
        return inbound_id


def accept_mails(store: Store, sandbox: SandboxPool, mails: Sequence[RawMail]) -> list[Outcome]:
    """Parses mails in the sandbox and stores all of them, the unreadable ones as quarantined.

    Raises DiskFull where there is no room, and whatever the database raised otherwise: then nothing was stored.
    """
    with bound_contextvars(request_id=secrets.token_hex(8)):
        return _accept_mails(store, sandbox, mails)


def _accept_mails(store: Store, sandbox: SandboxPool, mails: Sequence[RawMail]) -> list[Outcome]:
    relays = store.settings.trusted_relays
    results = [_set_aside(mail, read, relays) for mail, read in zip(mails, _read(sandbox, mails), strict=True)]
    contents = [mail.raw for mail in mails] + [content for result in results for content in _files(result)]
    try:
        held = store.blobs.prepare(contents)
        arrivals = [_mail_arrival(*read) for read in zip(mails, results, held.names[: len(mails)], strict=True)]
        with store.database.transaction() as session:
            store.blobs.store_prepared(session, held, max(mail.received_at for mail in mails))
            inbound.store(session, arrivals)
    except (sa.exc.DBAPIError, OSError) as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise
    log.info("mails_written_down", count=len(mails))
    return [Outcome.STORED] * len(mails)


def _read(sandbox: SandboxPool, mails: Sequence[RawMail]) -> list[Normalised | Quarantine]:
    """The results of the sandbox, in order; a mail that was not received whole is not parsed."""
    whole = iter(sandbox.normalise_many([mail for mail in mails if not mail.quarantine]))
    return [Quarantine(mail.quarantine) if mail.quarantine else next(whole) for mail in mails]


def _set_aside(mail: RawMail, result: Normalised | Quarantine, relays: Sequence[str]) -> Normalised | Quarantine:
    """Quarantines mail that came back to us, and what our own mail server calls spam, until an agent releases it."""
    if isinstance(result, Quarantine):
        return result
    why = spam_and_loop.why_set_aside(result.request.defects, mail.envelope, mail.source, relays)
    return Quarantine(why) if why else result


def release_asked(store: Store, sandbox: SandboxPool, now: datetime) -> int:
    """Parses released quarantined mails again; returns how many could be parsed."""
    with store.database.reading() as session:
        rows = inbound.list_releasing(session)
    return sum(_read_again(store, sandbox, row, now) for row in rows)


def _read_again(store: Store, sandbox: SandboxPool, row: inbound.ReleasedRequest, now: datetime) -> int:
    """One released mail; if it fails it is quarantined again with the reason, and the next is tried."""
    try:
        with store.database.transaction() as session:
            raw = store.blobs.get(session, row.raw) or b""
        (result,) = sandbox.normalise_many([RawMail(raw, row.envelope, row.source, row.received_at)])
        with store.database.transaction() as session:
            return _released(store, session, row.id, result, now)
    except (sa.exc.DBAPIError, OSError, SandboxUnavailable):
        raise
    except Exception as error:
        log.exception("release_failed", inbound_id=row.id)
        with store.database.transaction() as session:
            inbound.requarantine(session, row.id, f"could not be read again: {reason_of(error)}")
        return 0


def _released(store: Store, session: Session, row_id: int, result: Normalised | Quarantine, now: datetime) -> int:
    if isinstance(result, Quarantine):
        inbound.requarantine(session, row_id, result.reason)
        return 0
    store.blobs.put_many(session, _files(result), now)
    inbound.release(session, row_id, to_json(result.request))
    return 1


def _write_one(store: Store, session: Session, incoming: Incoming, now: datetime) -> int:
    contents = [incoming.raw, *(content for _, content in incoming.files)]
    store.blobs.put_many(session, [content for content in contents if content], now)
    return inbound.store_one(session, _arrival(incoming))


def _mail_arrival(mail: RawMail, result: Normalised | Quarantine, digest: str) -> Arrival:
    envelope, size = _as_row(mail.envelope), len(mail.raw)
    if isinstance(result, Quarantine):
        return Arrival(
            "email", mail.source, "", digest, mail.received_at, "", digest, size, envelope, quarantine=result.reason
        )
    request = result.request
    return Arrival(
        request.channel,
        request.source,
        request.external_id,
        request.content_hash,
        request.received_at,
        to_json(request),
        digest,
        size,
        envelope,
        timeless=threading.is_timeless(request),
    )


def _as_row(envelope: Envelope) -> dict[str, object]:
    return {"mail_from": envelope.mail_from, "rcpt_to": envelope.rcpt_to, "peer": envelope.peer}


def _arrival(incoming: Incoming) -> Arrival:
    request = incoming.request
    raw = hashlib.sha256(incoming.raw).hexdigest() if incoming.raw else ""
    return Arrival(
        request.channel,
        request.source,
        request.external_id,
        request.content_hash,
        request.received_at,
        to_json(request),
        raw,
        len(incoming.raw),
        timeless=threading.is_timeless(request),
    )


def _files(result: Normalised | Quarantine) -> list[bytes]:
    return [] if isinstance(result, Quarantine) else [content for _, content in result.files]
