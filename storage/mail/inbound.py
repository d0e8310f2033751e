"""The inbound log: every accepted request is a row, and every row ends in exactly one named state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.incidents.duplicates import AT_ONCE
from desk.mail.inbound_request import Envelope
from desk.mail.states import END_STATES, InboundState
from storage.access import visibility
from storage.db.session import Session, enqueue
from storage.db.statements import claim_rows, for_update, insert_or_count, insert_rows, read_counts, update_rows, upsert
from storage.tables.runtime import leases
from storage.tables.tickets import inbound

_ORDERS = "orders:"
"""The sources of such rows begin so."""
MOST_ATTEMPTS = 3
SUSPECT_LEASE = timedelta(seconds=20)
_HELD = "suspect:"
_MOST_OCTETS = 800
_KEY = ("content_hash", "external_id", "source", "channel")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An accepted request to be stored: the key that recognises a copy, the request as JSON, the raw blob.

    `quarantine` is the reason if the content could not be read; then `request` is empty.
    """

    channel: str
    source: str
    external_id: str
    content_hash: str
    received_at: datetime
    request: str = ""
    raw: str = ""
    size: int = 0
    envelope: Mapping[str, Any] = field(default_factory=dict)
    quarantine: str = ""
    timeless: bool = False
    """It has neither an id nor a date: the same some time later is another message."""


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A claimed row, to be settled in the same transaction."""

    id: int
    request: str
    raw: str
    received_at: datetime
    attempts: int
    suspect: bool


@dataclass(frozen=True, slots=True)
class SettledRequest:
    """The end state of a request, and its ticket."""

    inbound_id: int
    state: InboundState
    reason: str = ""
    ticket_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReleasedRequest:
    """A quarantined mail that shall be read again."""

    id: int
    raw: str
    source: str
    received_at: datetime
    envelope: Envelope


_WAITING = [inbound.c[name] for name in WaitingRequest.__dataclass_fields__]


def store(session: Session, arrivals: Sequence[Arrival]) -> None:
    """One row for each new arrival; a copy of a stored one counts on that row. Enqueues ingest."""
    keyed = {_key(arrival): arrival for arrival in reversed(arrivals)}
    _release_repeat_key(session, [keyed[key] for key in sorted(keyed)])
    # In the order of their keys, so that two groups that share copies cannot deadlock.
    insert_rows(session, inbound, [_row(keyed[key]) for key in sorted(keyed)], repeats=_KEY)
    for arrival in arrivals:
        if keyed[_key(arrival)] is not arrival:
            _write_one(session, arrival)
    enqueue(session, "ingest", _number_of(session, arrivals[0]) if arrivals else 0)


def store_one(session: Session, arrival: Arrival) -> int:
    """Stores one arrival; returns the id of its row, or of the row that it repeats."""
    _release_repeat_key(session, [arrival])
    inbound_id = _write_one(session, arrival)
    enqueue(session, "commands" if _first_state(arrival.source) == InboundState.ORDERED else "ingest", inbound_id)
    return inbound_id


def ticket_of(session: Session, inbound_id: int) -> int | None:
    """The ticket that the request went to; 0 while it waits, None where there is no such request."""
    row = session.execute(sa.select(inbound.c.ticket_id).where(inbound.c.id == inbound_id)).first()
    return None if row is None else int(row.ticket_id or 0)


def list_waiting(session: Session, most: int) -> list[WaitingRequest]:
    """The oldest waiting rows, without claiming them."""
    return [WaitingRequest(**row._mapping) for row in session.execute(_OLDEST.limit(most))]


def claim(session: Session, most: int, first: Sequence[int] = ()) -> list[WaitingRequest]:
    """Up to `most` waiting rows, oldest first, those with the numbers in `first` among them.

    Nobody else gets them until this transaction ends.
    """
    rows = [WaitingRequest(**row._mapping) for row in claim_rows(session, _OLDEST, inbound.c.id, first, most)]
    return sorted(rows, key=lambda row: row.id) if first else rows


_OLDEST = sa.select(*_WAITING).where(inbound.c.state == InboundState.WAITING, ~inbound.c.suspect).order_by(inbound.c.id)


def claim_suspect(session: Session, now: datetime) -> WaitingRequest | None:
    """One row that did not settle when it should have: counted before it is tried, so that it cannot kill for ever.

    Held by a lease until `let_go`: several workers that count the same row at once would use up its attempts.
    """
    return _claim_one(session, (inbound.c.state == InboundState.WAITING, inbound.c.suspect), now)


def claim_command(session: Session, now: datetime, first: Sequence[int] = ()) -> WaitingRequest | None:
    """The order that was asked for, or the oldest that nobody holds; in the same way counted and held."""
    requested = (
        _claim_one(session, (inbound.c.state == InboundState.ORDERED, inbound.c.id.in_(first)), now) if first else None
    )
    return requested or _claim_one(session, (inbound.c.state == InboundState.ORDERED,), now)


def _claim_one(session: Session, where: Sequence[sa.ColumnElement[bool]], now: datetime) -> WaitingRequest | None:
    name = sa.literal(_HELD) + sa.cast(inbound.c.id, sa.Text)
    leased = sa.exists().where(leases.c.name == name, leases.c.until > now)
    query = sa.select(inbound.c.id).where(*where, ~leased).order_by(inbound.c.id).limit(1)
    row_id = session.execute(for_update(session, query, skip=True)).scalar()
    if row_id is None:
        return None
    upsert(session, leases, ["name"], {"name": f"{_HELD}{row_id}", "holder": "ingest", "until": now + SUSPECT_LEASE})
    counted = sa.update(inbound).where(inbound.c.id == row_id).values(attempts=inbound.c.attempts + 1)
    return WaitingRequest(**session.execute(counted.returning(*_WAITING)).one()._mapping)


def defer_command(session: Session, inbound_id: int) -> None:
    """What a command is about is not there yet: this try does not count, and the lease keeps it for a while."""
    session.execute(sa.update(inbound).where(inbound.c.id == inbound_id).values(attempts=inbound.c.attempts - 1))


def has_waiting_commands(session: Session) -> bool:
    query = sa.select(inbound.c.id).where(inbound.c.state == InboundState.ORDERED).limit(1)
    return session.execute(query).scalar() is not None


def release_lease(session: Session, inbound_id: int) -> None:
    """The attempt is over; a killed process keeps the row until the lease ends (SUSPECT_LEASE)."""
    session.execute(sa.delete(leases).where(leases.c.name == f"{_HELD}{inbound_id}"))


def reclaim(session: Session, inbound_id: int) -> bool:
    """Locks a row again after its attempt was counted; False if it has settled in the meantime."""
    query = sa.select(inbound.c.id).where(
        inbound.c.id == inbound_id, inbound.c.state.in_((InboundState.WAITING, InboundState.ORDERED))
    )
    return session.execute(for_update(session, query, skip=True)).scalar() is not None


def mark_suspect(session: Session, ids: Iterable[int], reason: str = "") -> None:
    """From now on these are tried one by one. With a reason they were tried alone already, which is an attempt."""
    values: dict[str, Any] = {"suspect": True}
    if reason:
        values |= {"reason": reason, "attempts": inbound.c.attempts + 1}
    session.execute(
        sa.update(inbound).where(inbound.c.id.in_(list(ids)), inbound.c.state == InboundState.WAITING).values(**values)
    )


def note_failure(session: Session, inbound_id: int, reason: str) -> None:
    """Stores why the last attempt failed; the end state overwrites it."""
    where = (inbound.c.id == inbound_id, inbound.c.state.in_((InboundState.WAITING, InboundState.ORDERED)))
    session.execute(sa.update(inbound).where(*where).values(reason=reason))


def last_failure(session: Session, inbound_id: int) -> str:
    return str(session.execute(sa.select(inbound.c.reason).where(inbound.c.id == inbound_id)).scalar() or "")


def settle(session: Session, settled: Sequence[SettledRequest], now: datetime) -> None:
    """Stores the end states."""
    rows = [
        {
            "id": request.inbound_id,
            "state": request.state,
            "reason": request.reason,
            "ticket_id": request.ticket_id,
            "message_id": request.message_id,
            "settled_at": now,
        }
        for request in settled
    ]
    update_rows(session, inbound, "id", rows)


def list_overdue(session: Session, before: datetime, most: int = 50) -> list[int]:
    """The oldest rows that still wait though they came before that moment."""
    query = sa.select(inbound.c.id).where(inbound.c.state == InboundState.WAITING, inbound.c.received_at < before)
    return list(session.execute(query.order_by(inbound.c.id).limit(most)).scalars())


def request_release(session: Session, inbound_id: int) -> bool:
    """Somebody wants a quarantined row to be tried again: at once if it was readable, else by the gateway's sandbox."""
    row = get(session, inbound_id)
    if row is None or row["state"] not in (InboundState.QUARANTINED, InboundState.REFUSED):
        return False
    if row["request"]:
        release(session, inbound_id, row["request"])
    else:
        session.execute(sa.update(inbound).where(inbound.c.id == inbound_id).values(state=InboundState.RELEASING))
    return True


def list_releasing(session: Session, most: int = 20) -> list[ReleasedRequest]:
    """Released rows that must be read again."""
    columns = (inbound.c.id, inbound.c.raw, inbound.c.source, inbound.c.received_at, inbound.c.envelope)
    rows = session.execute(
        sa.select(*columns).where(inbound.c.state == InboundState.RELEASING).order_by(inbound.c.id).limit(most)
    )
    return [ReleasedRequest(row.id, row.raw, row.source, row.received_at, _envelope(row.envelope)) for row in rows]


def requarantine(session: Session, inbound_id: int, reason: str) -> None:
    """Only what was still to be read again: another reader may have brought it to its end meanwhile."""
    where = (inbound.c.id == inbound_id, inbound.c.state == InboundState.RELEASING)
    session.execute(sa.update(inbound).where(*where).values(state=InboundState.QUARANTINED, reason=reason))


def release(session: Session, inbound_id: int, request: str) -> None:
    """The row waits again, with the request that could now be read."""
    values = {
        "state": _state_after_release(),
        "reason": "",
        "request": request,
        "attempts": 0,
        "suspect": False,
        "settled_at": None,
    }
    where = (
        inbound.c.id == inbound_id,
        inbound.c.state.in_((InboundState.QUARANTINED, InboundState.REFUSED, InboundState.RELEASING)),
    )
    session.execute(sa.update(inbound).where(*where).values(**values))
    enqueue(session, "ingest", inbound_id)
    enqueue(session, "commands", inbound_id)


def list_by_state(session: Session, states: Sequence[str], most: int = 200) -> list[dict[str, Any]]:
    """The newest rows in those end states, without their content."""
    hidden = {"request"}
    columns = [column for column in inbound.c if column.name not in hidden]
    query = sa.select(*columns).where(inbound.c.state.in_(list(states))).order_by(inbound.c.id.desc()).limit(most)
    return [dict(row._mapping) for row in session.execute(query)]


def get(session: Session, inbound_id: int) -> dict[str, Any] | None:
    """One whole row; None where the viewer may not see it."""
    row = session.execute(sa.select(inbound).where(inbound.c.id == inbound_id, *visible_condition(session))).first()
    return dict(row._mapping) if row else None


def visible_condition(session: Session) -> list[sa.ColumnElement[bool]]:
    """Leaves out what became part of a hidden ticket, and what was sent to the mailbox of a private team."""
    theirs = visibility.mailbox_condition(session, inbound.c.source, inbound.c.envelope)
    return [*visibility.ticket_id_condition(session, inbound.c.ticket_id), *theirs]


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of the inbound log: accepted = the sum of the end states + unsettled."""

    accepted: int
    states: Mapping[str, int]
    unsettled: int
    oldest_unsettled: timedelta | None
    repeats: int


def totals(session: Session, now: datetime) -> Totals:
    by_state = sa.select(inbound.c.state, sa.func.count()).group_by(inbound.c.state)
    counted = read_counts(session, by_state)
    repeats = session.execute(sa.select(sa.func.coalesce(sa.func.sum(inbound.c.repeats), 0))).scalar_one()
    waits = inbound.c.state.in_((InboundState.WAITING, InboundState.ORDERED))
    oldest = session.execute(sa.select(sa.func.min(inbound.c.received_at)).where(waits)).scalar()
    states = {str(state): counted.get(state, 0) for state in END_STATES}
    age = None if oldest is None else max(now - oldest, timedelta())
    unsettled = sum(
        counted.get(state, 0) for state in (InboundState.WAITING, InboundState.ORDERED, InboundState.RELEASING)
    )
    return Totals(sum(counted.values()), states, unsettled, age, int(repeats))


def _number_of(session: Session, arrival: Arrival) -> int:
    return int(session.execute(_BY_KEY, dict(zip(_KEY, _key(arrival), strict=True))).scalar_one())


_BY_KEY = sa.select(inbound.c.id).where(*(inbound.c[name] == sa.bindparam(name) for name in _KEY))


def _release_repeat_key(session: Session, arrivals: Iterable[Arrival]) -> None:
    """An earlier message with the same content, old enough, gives up the key that recognises repeats."""
    for arrival in arrivals:
        if arrival.timeless:
            same = [inbound.c[name] == value for name, value in zip(_KEY, _key(arrival), strict=True)]
            old = inbound.c.received_at < arrival.received_at - AT_ONCE
            name = inbound.c.external_id + sa.literal("earlier:") + sa.cast(inbound.c.id, sa.Text)
            session.execute(sa.update(inbound).where(*same, old).values(external_id=name))


def _write_one(session: Session, arrival: Arrival) -> int:
    counted = insert_or_count(session, inbound, _KEY).values(**_row(arrival))
    return int(session.execute(counted.returning(inbound.c.id)).scalar_one())


def _key(arrival: Arrival) -> tuple[str, str, str, str]:
    return arrival.content_hash, _bounded(arrival.external_id), _bounded(arrival.source), arrival.channel


def _bounded(text: str) -> str:
    """The text, or its beginning and its hash: PostgreSQL indexes 2,704 octets at most, and refuses the row else."""
    octets = text.encode()
    return text if len(octets) <= _MOST_OCTETS else f"{text[:150]}…{hashlib.sha256(octets).hexdigest()}"


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "channel": arrival.channel,
        "source": _bounded(arrival.source),
        "external_id": _bounded(arrival.external_id),
        "content_hash": arrival.content_hash,
        "received_at": arrival.received_at,
        "state": InboundState.QUARANTINED if arrival.quarantine else _first_state(arrival.source),
        "reason": arrival.quarantine,
        "request": arrival.request,
        "envelope": dict(arrival.envelope),
        "raw": arrival.raw,
        "size": arrival.size,
    }


def _state_after_release() -> sa.ColumnElement[str]:
    """The state in which a released row begins again."""
    return sa.case((inbound.c.source.startswith(_ORDERS), InboundState.ORDERED), else_=InboundState.WAITING)


def _first_state(source: str) -> str:
    return InboundState.ORDERED if source.startswith(_ORDERS) else InboundState.WAITING


def _envelope(row: Mapping[str, Any]) -> Envelope:
    return Envelope(row.get("mail_from", ""), tuple(row.get("rcpt_to", ())), row.get("peer", ""))
