"""The doctor's look at the desk itself: its disk, blobs and model, what waits, what failed, and what fetches mail."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from cli.diagnose import doctor_model
from cli.diagnose.findings import Finding, broken, fine, warning
from desk.mail.states import InboundState, OutboundState
from desk.signed import reply_address
from storage.db.session import Session
from storage.mail import imap_folders, inbound, outbound
from storage.mail.imap_folders import FolderHealth
from storage.open_store import Store
from storage.people import people
from storage.runtime import failures, locks
from storage.sla import timers as sla_timers
from storage.tables.tickets import inbound as inbound_table

SHORT_BYTES, LEAST_BYTES = 2 * 1024**3, 256 * 1024**2
LATE, TOO_LATE = timedelta(minutes=1), timedelta(minutes=10)
CLOCK_SILENCE = timedelta(seconds=30)
_BLOBS_LOOKED_AT = 20


def disk(folder: Path) -> Finding:
    """Room for mail."""
    try:
        free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free
    except OSError as error:
        return broken("disk", error.strerror or "cannot be read", "look at the data folder")
    found = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_BYTES:
        return broken("disk", found, "make room: mail is answered 452 until there is some")
    return warning("disk", found, "make room soon") if free < SHORT_BYTES else fine("disk", found)


def examine(store: Store, now: datetime) -> Iterator[Finding]:
    """All that the record can tell."""
    yield _blobs(store)
    with store.database.reading() as session:
        yield _people(session)
        yield _clock(session, now)
        yield _waiting(session, now)
        yield _due(session, now)
        yield _set_aside(session, now)
        yield _failed(session)
        yield _leaving(session)
        yield from doctor_model.examine(session, store.settings.data, now)
        yield from _mailbox_names(session)
        for folder in imap_folders.list_health(session):
            yield _mailbox(folder, now)


def _mailbox_names(session: Session) -> Iterator[Finding]:
    """Names that leave no room for reply addresses."""
    boxes = [box.address for box in people.all_mailboxes(session)]
    for address in boxes:
        if not reply_address.has_room(address):
            carrier = reply_address.carrier(address, boxes)
            found = f"answers come to {carrier}" if carrier else "answers are known by their thread only"
            advice = "nothing to do" if carrier else "add a mailbox with a shorter name in its domain"
            name = f"reply addresses of {address}"
            yield fine(name, found) if carrier else warning(name, found, advice)


def _blobs(store: Store) -> Finding:
    """The folder can be written, and the newest mails can be read back."""
    folder = store.blobs.folder
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return broken("blobs", f"{folder}: {error.strerror}", "give this user the right to write there")
    newest = sa.select(inbound_table.c.raw).where(inbound_table.c.raw != "").order_by(inbound_table.c.id.desc())
    with store.database.reading() as session:
        names = list(session.execute(newest.limit(_BLOBS_LOOKED_AT)).scalars())
        missing = store.blobs.missing(session, names)
    if missing:
        return broken("blobs", f"{len(missing)} of the newest {len(names)} are gone", "restore them from the backup")
    return fine("blobs", str(folder))


def _people(session: Session) -> Finding:
    boxes, agents = people.all_mailboxes(session), [a for a in people.all_agents(session) if a.is_agent]
    found = f"{len(boxes)} mailboxes, {len(agents)} active agents"
    if not boxes:
        return broken("people", found, "`frontdesk mailbox add ADDRESS`: without one no mail is taken")
    if not agents:
        return broken("people", found, "`frontdesk agent add ADDRESS`: without one nobody hears of a ticket")
    return fine("people", found)


def _clock(session: Session, now: datetime) -> Finding:
    if locks.is_held(session, "clock", now, CLOCK_SILENCE):
        return fine("clock", "runs")
    until = locks.expires_at(session, "clock")
    if until is not None and until > now:
        found = f"says that it works until {until:%Y-%m-%d %H:%M:%S} UTC"
        return warning("clock", found, "set this machine's clock, or the one that wrote it")
    found = "has never run" if until is None else f"silent since {until:%Y-%m-%d %H:%M:%S} UTC"
    return warning("clock", found, "start `frontdesk up`, or a `frontdesk worker`")


def _failed(session: Session) -> Finding:
    given_up = failures.given_up(session)
    if not given_up:
        return fine("failed rows", "none")
    found = ", ".join(f"{count} of {job}" for job, count in sorted(given_up.items()))
    return warning("failed rows", found, "`frontdesk queue failed` shows why; `retry-failed` tries again")


def _waiting(session: Session, now: datetime) -> Finding:
    summed = inbound.totals(session, now)
    age = summed.oldest_unsettled or timedelta()
    found = f"{summed.unsettled} of {summed.accepted} requests wait, the oldest for {age.total_seconds():.0f} s"
    advice = "start a worker, and read its log: a request that fails is named there"
    if age > TOO_LATE:
        return broken("work", found, advice)
    return warning("work", found, advice) if age > LATE else fine("work", found)


def _due(session: Session, now: datetime) -> Finding:
    """Due times are told by a worker; here is seen if none does."""
    oldest = sla_timers.oldest_due(session)
    if oldest is None or now - oldest < TOO_LATE:
        return fine("due times", "looked after" if oldest else "no clock runs")
    waiting = sla_timers.count_wishes(session)
    found = f"{waiting} tickets wait, what was due at {oldest:%Y-%m-%d %H:%M} UTC was not looked at"
    return warning("due times", found, "start a worker, and read its log: a ticket that fails is named there")


def _set_aside(session: Session, now: datetime) -> Finding:
    states = inbound.totals(session, now).states
    found = f"{states[InboundState.QUARANTINED]} quarantined, {states[InboundState.REFUSED]} refused"
    if states[InboundState.QUARANTINED]:
        return warning("quarantine", found, "`frontdesk quarantine list` shows why; `release` tries again")
    return fine("quarantine", found)


def _leaving(session: Session) -> Finding:
    states = outbound.totals(session)
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing yet"
    if states.get(OutboundState.UNDELIVERABLE):
        return warning("outbound", found, "the tickets show which messages were not delivered, and why")
    return fine("outbound", found)


def _mailbox(folder: FolderHealth, now: datetime) -> Finding:
    name, lag = f"imap {folder.mailbox} {folder.folder}", folder.lag(now)
    if folder.failing_since is not None:
        return broken(name, folder.error, "correct it with `frontdesk mailbox add`; it is tried again by itself")
    if folder.last_good_at is None or lag is None:
        return warning(name, "was never fetched", "start the gateway")
    found = f"fetched at {folder.last_good_at:%H:%M:%S} UTC, {lag.total_seconds():.0f} s behind"
    if now - folder.last_good_at > TOO_LATE or lag > TOO_LATE:
        return broken(name, found, "look at the gateway's log")
    return fine(name, found)
