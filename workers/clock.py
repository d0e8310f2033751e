"""The clock: rings again for whatever is not settled, so that nothing depends on the queue's memory.

One clock works at a time, by lease; any worker may carry one.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta
from threading import Event

import sqlalchemy as sa
import structlog

from storage import inbound, leases, outbound, tickets
from storage.transaction import Session, ring
from workers.context import Context

log = structlog.get_logger()

PERIOD = 2.0
LEASE = timedelta(seconds=10)
OVERDUE = timedelta(seconds=3)
STUCK = timedelta(seconds=60)
"""A row that waits this long while it is among the oldest is suspected of killing its worker, and tried alone."""
MOST_SUSPECTS = 5


class Clock:
    """Sweeps every PERIOD seconds while it holds the lease."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def run(self, stop: Event) -> None:
        """Until `stop` is set. A database that is away is waited for."""
        while not stop.wait(PERIOD):
            try:
                self.sweep()
            except sa.exc.DBAPIError as error:
                log.warning("sweep_failed", error=type(error).__name__)
        self._give_back()

    def sweep(self) -> bool:
        """One round; False if another clock holds the lease."""
        now = self.context.now()
        with self.context.store.database.transaction() as session:
            if not leases.take(session, "clock", self.name, now, LEASE):
                return False
            sweep(session, now)
            return True

    def _give_back(self) -> None:
        try:
            with self.context.store.database.transaction() as session:
                leases.give_back(session, "clock", self.name)
        except sa.exc.DBAPIError:
            log.warning("lease_not_given_back")


def sweep(session: Session, now: datetime) -> None:
    """Ring for requests, events and letters that wait."""
    waiting = inbound.overdue(session, now - OVERDUE)
    if waiting:
        stuck = inbound.overdue(session, now - STUCK, MOST_SUSPECTS)
        if stuck:
            inbound.mark_suspect(session, stuck)
        ring(session, "ingest", waiting[0])
    if tickets.unreacted(session):
        ring(session, "react", 0)
    if outbound.due(session, now):
        ring(session, "deliver", 0)
