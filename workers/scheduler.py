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

from storage.db.session import Session, ring
from storage.knowledge import csat
from storage.mail import inbound, outbound
from storage.runtime import locks
from storage.sla import timers as sla_timers
from storage.tickets import lifecycle, tickets
from usecases.agents import scheduled_replies
from usecases.sla import recalculate as sla_review
from usecases.tickets import pending_files
from workers.runtime.context import Context
from workers.timers import reassign, report_rollup, retention
from workers.timers import rules as timed_rules
from workers.training import schedule as training_schedule

log = structlog.get_logger()

PERIOD = 2.0
LEASE = timedelta(seconds=10)
OVERDUE = timedelta(seconds=3)
TRAINING_LOOKED_FOR = timedelta(seconds=10)
LOOKED_AFTER = timedelta(seconds=10)
"""So often tickets are looked for whose time has come: to wake, to be reminded of, resolved, closed."""
WATCH = timedelta(seconds=10)
"""So often incidents are looked after, whether anything came or not: they also end."""
ROUTED = timedelta(seconds=10)
"""So often owners are looked for that nobody was there to be."""
COUNTED = timedelta(seconds=30)
"""So often what happened is counted for the reports."""
STUCK = timedelta(seconds=30)
"""A row that stays the oldest for this long is suspected of killing its worker, and tried alone."""


class Clock:
    """Sweeps every PERIOD seconds while it holds the lease."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._oldest: tuple[int, datetime] | None = None
        self._watched = context.now()
        self._counted = context.now()
        self._training_looked_for: datetime | None = None
        self._looked_after: datetime | None = None
        self._routed: datetime | None = None
        self._automated: datetime | None = None
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
            if not locks.take(session, "clock", self.name, now, LEASE):
                return False
            self._suspect(session, now)
            sweep(session, now)
            if now - self._watched >= WATCH:
                self._watched = now
                ring(session, "watch", 0)
            self._train(session, now)
            self._move_on(session, now)
            self._route(session, now)
            self._count(session, now)
            if timed_rules.is_time(now, self._automated):
                self._automated = now
                if any(kept.rule.trigger.is_timed for kept in self.context.places(session).automations):
                    ring(session, "automate", 0)
            return True

    def _train(self, session: Session, now: datetime) -> None:
        """Ring for a training when it is time for one; that is looked at less often than the rest."""
        if self._training_looked_for and now - self._training_looked_for < TRAINING_LOOKED_FOR:
            return
        self._training_looked_for = now
        zone = self.context.store.settings.time_zone
        if training_schedule.is_due(session, now, zone):
            ring(session, "retrain", 0)
        if retention.is_due(session, now, zone):
            ring(session, "forget", 0)

    def _route(self, session: Session, now: datetime) -> None:
        if self._routed and now - self._routed < ROUTED:
            return
        self._routed = now
        if reassign.needed(session, self.context.places(session).routing, now):
            ring(session, "route", 0)

    def _move_on(self, session: Session, now: datetime) -> None:
        if self._looked_after and now - self._looked_after < LOOKED_AFTER:
            return
        self._looked_after = now
        if lifecycle.due(session, lifecycle.rules(session), now, 1):
            ring(session, "move_on", 0)

    def _count(self, session: Session, now: datetime) -> None:
        """Ring for the figures of reports, now and then: what happens together is counted together."""
        if now - self._counted >= COUNTED:
            self._counted = now
            if report_rollup.is_time(session, now):
                ring(session, "count", 0)

    def _suspect(self, session: Session, now: datetime) -> None:
        """While workers work the oldest row changes; one that does not is in their way."""
        oldest = next(iter(inbound.overdue(session, now - OVERDUE, 1)), None)
        if oldest is None or self._oldest is None or oldest != self._oldest[0]:
            self._oldest = None if oldest is None else (oldest, now)
        elif now - self._oldest[1] >= STUCK:
            inbound.mark_suspect(session, [oldest])
            self._oldest = None

    def _give_back(self) -> None:
        try:
            with self.context.store.database.transaction() as session:
                locks.give_back(session, "clock", self.name)
        except sa.exc.DBAPIError:
            log.warning("lease_not_given_back")


def sweep(session: Session, now: datetime) -> None:
    """Ring for requests, events and letters that wait."""
    waiting = inbound.overdue(session, now - OVERDUE)
    if waiting:
        ring(session, "ingest", waiting[0])
    if inbound.orders_wait(session):
        ring(session, "obey", 0)
    if pending_files.is_due(session, now):
        ring(session, "fetch", 0)
    if tickets.unreacted(session):
        ring(session, "react", 0)
    if outbound.due(session, now):
        ring(session, "deliver", 0)
    if sla_timers.any_due(session, now) or sla_review.is_asked(session):
        ring(session, "clocks", 0)
    if scheduled_replies.due(session, now, 1):
        ring(session, "say", 0)
    if csat.is_due(session, now):
        ring(session, "rate", 0)
