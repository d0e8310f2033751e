"""The scheduler: enqueues a job again for every row that is still unprocessed, so that a lost queue loses no work.

One scheduler works at a time, by a lease; any worker may run one. Each check has a savepoint: one that fails is named
in the heartbeat, and so in `/readyz`, and the others go on. The thread survives every exception.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import sqlalchemy as sa
import structlog

from storage.db.session import Session, enqueue, is_outage
from storage.knowledge import csat
from storage.mail import inbound, outbound
from storage.runtime import heartbeats, locks
from storage.runtime.failures import reason_of
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
STUCK = timedelta(seconds=30)
"""A row that stays the oldest for this long is suspected of killing its worker, and tried alone."""
SOON, LATER = timedelta(seconds=10), timedelta(seconds=30)

CheckFunction = Callable[[Session, datetime], None]


@dataclass(frozen=True, slots=True)
class Check:
    """A check for waiting rows, at an interval; `at_once`: at the first round already."""

    name: str
    every: timedelta
    check_rows: CheckFunction
    at_once: bool = True


class Scheduler:
    """Runs the checks every PERIOD seconds while it holds the lease."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.failing: dict[str, str] = {}
        self._oldest: tuple[int, datetime] | None = None
        self._checks = (*SWEEPS, *self._slow_checks())
        begun = context.now()
        self._last_run: dict[str, datetime] = {check.name: begun for check in self._checks if not check.at_once}
        self._last_beat: datetime | None = None

    def run(self, stop: Event) -> None:
        """Runs until `stop` is set; it survives every exception, and waits for a database that is away."""
        while not stop.wait(PERIOD):
            try:
                self.sweep()
                self.failing.pop("scheduler", None)
            except sa.exc.DBAPIError as error:
                log.warning("sweep_failed", error=type(error).__name__)
            except Exception as error:
                log.exception("sweep_failed")
                self.failing["scheduler"] = reason_of(error)
                self._report_failure()
        self._release_lease()

    def sweep(self) -> bool:
        """One round; False if another scheduler holds the lease."""
        now = self.context.now()
        with self.context.store.database.transaction() as session:
            if not locks.acquire(session, "clock", self.name, now, LEASE):
                return False
            for check in self._checks:
                if _is_time(self._last_run.get(check.name), now, check.every):
                    self._last_run[check.name] = now
                    self._run_check(session, check, now)
            if _is_time(self._last_beat, now, heartbeats.EVERY):
                self._last_beat = now
                self._beat(session, now)
            return True

    def _run_check(self, session: Session, check: Check, now: datetime) -> None:
        try:
            with session.savepoint():
                check.check_rows(session, now)
            self.failing.pop(check.name, None)
        except Exception as error:
            if is_outage(error):
                raise
            if check.name not in self.failing:
                log.exception("look_failed", check=check.name)
            self.failing[check.name] = reason_of(error)

    def _beat(self, session: Session, now: datetime) -> None:
        heartbeats.record_heartbeat(
            session, f"scheduler:{self.name}", heartbeats.SCHEDULER, now, {"failing": dict(self.failing)}
        )

    def _report_failure(self) -> None:
        try:
            with self.context.store.database.transaction() as session:
                self._beat(session, self.context.now())
        except Exception:
            log.exception("heartbeat_failed")

    def _slow_checks(self) -> tuple[Check, ...]:
        return (
            Check("suspects", timedelta(), self._mark_stuck_row),
            Check("detect_incidents", SOON, _enqueues("detect_incidents"), at_once=False),
            Check("train", SOON, self._train),
            Check("retention", SOON, self._retain),
            Check("lifecycle", SOON, _move_on),
            Check("reassign", SOON, self._reassign),
            Check("rollup", LATER, _roll_up, at_once=False),
            Check("run_timed_rules", timed_rules.LOOK_EVERY, self._run_timed_rules),
        )

    def _train(self, session: Session, now: datetime) -> None:
        if training_schedule.is_due(session, now, self.context.store.settings.time_zone):
            enqueue(session, "train", 0)

    def _retain(self, session: Session, now: datetime) -> None:
        if retention.is_due(session, now, self.context.store.settings.time_zone):
            enqueue(session, "retention", 0)

    def _reassign(self, session: Session, now: datetime) -> None:
        if reassign.needed(session, self.context.configuration(session).routing, now):
            enqueue(session, "reassign", 0)

    def _run_timed_rules(self, session: Session, _now: datetime) -> None:
        if any(kept.rule.trigger.is_timed for kept in self.context.configuration(session).automations):
            enqueue(session, "run_timed_rules", 0)

    def _mark_stuck_row(self, session: Session, now: datetime) -> None:
        """Marks a row that stays the oldest as a suspect: while workers work, the oldest row changes."""
        oldest = next(iter(inbound.list_overdue(session, now - OVERDUE, 1)), None)
        if oldest is None or self._oldest is None or oldest != self._oldest[0]:
            self._oldest = None if oldest is None else (oldest, now)
        elif now - self._oldest[1] >= STUCK:
            inbound.mark_suspect(session, [oldest])
            self._oldest = None

    def _release_lease(self) -> None:
        try:
            with self.context.store.database.transaction() as session:
                locks.release(session, "clock", self.name)
                heartbeats.remove_heartbeat(session, f"scheduler:{self.name}")
        except sa.exc.DBAPIError:
            log.warning("lease_not_given_back")


def _is_time(last_run: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether a check is due; also after the system clock was set back."""
    return last_run is None or not timedelta() <= now - last_run < every


def _enqueues(job: str) -> CheckFunction:
    return lambda session, _now: enqueue(session, job, 0)


def _ingest(session: Session, now: datetime) -> None:
    if waiting := inbound.list_overdue(session, now - OVERDUE):
        enqueue(session, "ingest", waiting[0])


def _commands(session: Session, _now: datetime) -> None:
    if inbound.has_waiting_commands(session):
        enqueue(session, "commands", 0)


def _fetch_files(session: Session, now: datetime) -> None:
    if pending_files.is_due(session, now):
        enqueue(session, "fetch_files", 0)


def _events(session: Session, now: datetime) -> None:
    if tickets.has_unreacted(session, now):
        enqueue(session, "events", 0)


def _deliver(session: Session, now: datetime) -> None:
    if outbound.is_due(session, now):
        enqueue(session, "deliver", 0)


def _sla(session: Session, now: datetime) -> None:
    if sla_timers.any_due(session, now) or sla_review.is_requested(session):
        enqueue(session, "sla", 0)


def _send_scheduled(session: Session, now: datetime) -> None:
    if waiting := scheduled_replies.due_replies(session, now, 1):
        enqueue(session, "send_scheduled", waiting[0][0])


def _csat(session: Session, now: datetime) -> None:
    if csat.is_due(session, now):
        enqueue(session, "csat", 0)


def _move_on(session: Session, now: datetime) -> None:
    if lifecycle.due_tickets(session, lifecycle.rules(session), now, 1):
        enqueue(session, "lifecycle", 0)


def _roll_up(session: Session, now: datetime) -> None:
    if report_rollup.is_time(session, now):
        enqueue(session, "rollup", 0)


_CHECKS: tuple[CheckFunction, ...] = (_ingest, _commands, _fetch_files, _events, _deliver, _sla, _send_scheduled, _csat)
SWEEPS = tuple(Check(check_rows.__name__.strip("_"), timedelta(), check_rows) for check_rows in _CHECKS)
"""The checks of every round."""
