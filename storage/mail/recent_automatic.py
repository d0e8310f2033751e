"""Automatic mails of the last hour, counted by domain and by mailbox, for the reply budget.

A worker keeps the counts and reads on from where its last reading ended, so each row is read once by each worker,
however many there are. Mailboxes are counted here only under other spellings of their address; the mails to an address
itself are found by its index.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa

from desk.mail.reply_budget import victim, victim_domain
from desk.mail.states import OutboundState
from storage.db.session import Session
from storage.mail.outbound import AUTOMATIC
from storage.tables.tickets import outbound

OVERLAP = 2_000
"""So many ids are read again: another worker's transaction may commit rows with lower ids later."""
_MINUTE = timedelta(minutes=1)


class RecentAutomatic:
    """Shared by the threads of one worker. A minute that is partly older than asked for counts as over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: int | None = None
        self._seen: set[int] = set()
        self._minutes: dict[datetime, Counter[str]] = {}

    def count(self, session: Session, since: datetime) -> Counter[str]:
        """Mails since then for each domain, and for each mailbox under other spellings than its own."""
        with self._lock:
            self._read_on(session, since)
            self._minutes = {minute: counts for minute, counts in self._minutes.items() if minute > _minute(since)}
            return sum(self._minutes.values(), Counter())

    def _read_on(self, session: Session, since: datetime) -> None:
        start = _last_before(session, since) if self._newest is None else self._newest - OVERLAP
        c = outbound.c
        query = sa.select(c.id, c.created_at, c.recipient).where(
            c.id > start, c.created_at > since, c.kind.in_(AUTOMATIC), c.state != OutboundState.SUPPRESSED
        )
        for row in session.execute(query):
            if row.id not in self._seen:
                self._add(row.created_at, row.recipient)
            self._seen.add(row.id)
        self._newest = max(self._seen, default=start)
        self._seen = {number for number in self._seen if number > self._newest - OVERLAP}

    def _add(self, at: datetime, address: str) -> None:
        counts = self._minutes.setdefault(_minute(at), Counter())
        domain, mailbox = victim_domain(address), victim(address)
        if domain:
            counts[domain] += 1
        if mailbox != address:
            counts[mailbox] += 1


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _last_before(session: Session, since: datetime) -> int:
    """The highest id of a row that is older, found by halving: rows get their ids about as they are written."""
    low, high = 0, session.execute(sa.select(sa.func.max(outbound.c.id))).scalar() or 0
    while low < high:
        middle = (low + high) // 2
        later = sa.select(outbound.c.created_at).where(outbound.c.id > middle).order_by(outbound.c.id).limit(1)
        at = session.execute(later).scalar()
        if at is None or at > since:
            high = middle
        else:
            low = middle + 1
    return max(0, low - OVERLAP)
