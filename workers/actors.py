"""The Dramatiq actors: thin shells around `drain` functions that may run twice, and at once, without harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, Retries, TimeLimit

from storage.runtime.queue import QUEUE
from workers.events import dispatch
from workers.inbound import ingest
from workers.incidents import detector as incident_detector
from workers.outbound import deliver
from workers.runtime.context import Context
from workers.slack import actor as slack_actor
from workers.slack import pending_files
from workers.timers import lifecycle, reassign, report_rollup, retention, scheduled_replies
from workers.timers import rules as timed_rules
from workers.timers import sla as sla_timers
from workers.timers.csat import drain as ask_for_ratings
from workers.training.process import Trainer

SECOND = 1000
ROUTE_SECONDS = 0.5
WATCH_SECONDS = 1.0
"""So long a process rests between two looks for owners, and for incidents; what it leaves the clock rings for again."""
RESTS, LONGEST_REST = 20, 10.0
"""And so many times as long as the look took, but never longer than this."""


def register(broker: RedisBroker, context: Context) -> None:
    """Declare the actors on this process's broker."""
    for middleware in (Retries(), TimeLimit(), CurrentMessage()):
        broker.add_middleware(middleware)
    _declare(broker, "ingest", _one_at_a_time(lambda: ingest.drain(context)), 120 * SECOND, priority=0)
    _declare(broker, "obey", _one_at_a_time(lambda: slack_actor.drain(context)), 300 * SECOND, priority=5)
    _declare(broker, "react", _one_at_a_time(lambda: dispatch.drain(context)), 120 * SECOND, priority=10)
    _declare(broker, "say", _one_at_a_time(lambda: scheduled_replies.drain(context)), 120 * SECOND, priority=15)
    _declare(broker, "deliver", _one_at_a_time(lambda: deliver.drain(context)), 600 * SECOND, priority=20)
    _declare(broker, "fetch", _one_at_a_time(lambda: pending_files.drain(context)), 600 * SECOND, priority=20)
    _declare(broker, "clocks", _one_at_a_time(lambda: sla_timers.drain(context)), 120 * SECOND, priority=25)
    _declare(broker, "move_on", _one_at_a_time(lambda: lifecycle.drain(context)), 120 * SECOND, priority=30)
    _declare(broker, "automate", _one_at_a_time(lambda: timed_rules.drain(context)), 120 * SECOND, priority=30)
    route = _now_and_then(ROUTE_SECONDS, _one_at_a_time(lambda: reassign.drain(context)))
    _declare(broker, "route", route, 120 * SECOND, priority=15)
    watch = _now_and_then(WATCH_SECONDS, _one_at_a_time(lambda: incident_detector.drain(context)))
    _declare(broker, "watch", watch, 120 * SECOND, priority=30)
    _declare(broker, "rate", _one_at_a_time(lambda: ask_for_ratings(context)), 120 * SECOND, priority=30)
    _declare(broker, "count", _one_at_a_time(lambda: report_rollup.drain(context)), 600 * SECOND, priority=40)
    _declare(broker, "forget", _one_at_a_time(lambda: retention.drain(context)), 600 * SECOND, priority=40)
    _declare(broker, "retrain", Trainer(context.store).start, 60 * SECOND, priority=30)


def _one_at_a_time(work: Callable[[], int]) -> Callable[[], int]:
    """One thread of this process does it, in batches as large as may be; who comes meanwhile asks it to look again.

    So a relay that is slow holds one thread and not all of them, and four threads do not settle four small batches.
    """
    asked, busy = threading.Event(), threading.Lock()

    def once() -> int:
        asked.set()
        done = 0
        while asked.is_set() and busy.acquire(blocking=False):
            try:
                asked.clear()
                done += work()
            finally:
                busy.release()
        return done

    return once


def _now_and_then(seconds: float, work: Callable[[], int]) -> Callable[[], int]:
    """Not again right after it was done: a minute's window need not be looked at for every batch.

    What took long rests long, so that a look which has become dear (a busy hour to count) takes a small share only.
    """
    rested = [0.0]

    def once() -> int:
        began = time.monotonic()
        if began < rested[0]:
            return 0
        try:
            return work()
        finally:
            ended = time.monotonic()
            rested[0] = ended + min(max(seconds, RESTS * (ended - began)), LONGEST_REST)

    return once


def _declare(broker: RedisBroker, name: str, work: Callable[[], int], time_limit: int, priority: int) -> None:
    def actor(row_id: int) -> None:
        work()

    dramatiq.Actor(
        actor,
        broker=broker,
        actor_name=name,
        queue_name=QUEUE,
        priority=priority,
        # The rows are the truth and the clock rings again, so a few quick retries are enough.
        options={"max_retries": 3, "min_backoff": SECOND, "max_backoff": 15 * SECOND, "time_limit": time_limit},
    )
