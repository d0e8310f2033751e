"""Declares the Dramatiq actors: thin shells around idempotent `drain` functions.

The queue of each job, its priority, retries and limits are in the table of `storage/runtime/queue.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, Retries, TimeLimit
from structlog.contextvars import bound_contextvars

from storage.runtime.queue import JOBS, Job
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

REASSIGN_SECONDS = 0.5
DETECT_SECONDS = 1.0
"""So long a process rests between two looks for owners, and for incidents; the scheduler enqueues what it leaves."""
RESTS, LONGEST_REST = 20, 10.0
"""And so many times as long as the look took, but never longer than this."""

Work = Callable[[Sequence[int]], int]
"""Works all that waits, the rows with these numbers first."""


def register(broker: RedisBroker, context: Context) -> None:
    """Declare the actors on this process's broker."""
    for middleware in (Retries(), TimeLimit(), CurrentMessage()):
        broker.add_middleware(middleware)
    for name, work in handlers(context).items():
        _declare(broker, JOBS[name], work)


def handlers(context: Context) -> dict[str, Callable[[int], int]]:
    """What each job does. Those that look through the whole desk have no row to begin with."""
    trainer = Trainer(context.store)
    by_row: dict[str, Work] = {
        "ingest": lambda first: ingest.drain(context, first),
        "commands": lambda first: slack_actor.drain(context, first),
        "events": lambda first: dispatch.drain(context, first),
        "deliver": lambda first: deliver.drain(context, first),
        "fetch_files": lambda first: pending_files.drain(context, first),
        "send_scheduled": lambda _: scheduled_replies.drain(context),
        "sla": lambda first: sla_timers.drain(context, first),
    }
    whole: dict[str, Work] = {
        "lifecycle": lambda _: lifecycle.drain(context),
        "run_timed_rules": lambda _: timed_rules.drain(context),
        "csat": lambda _: ask_for_ratings(context),
        "rollup": lambda _: report_rollup.drain(context),
        "retention": lambda _: retention.drain(context),
    }
    shells = {name: _one_at_a_time(work) for name, work in (by_row | whole).items()}
    shells["reassign"] = _now_and_then(REASSIGN_SECONDS, _one_at_a_time(lambda _: reassign.drain(context)))
    shells["detect_incidents"] = _now_and_then(
        DETECT_SECONDS, _one_at_a_time(lambda _: incident_detector.drain(context))
    )
    shells["train"] = lambda _: trainer.start()
    return shells


def _one_at_a_time(work: Work) -> Callable[[int], int]:
    """One thread of this process does it, in batches as large as may be; who comes meanwhile hands over its row.

    So a relay that is slow holds one thread and not all of them, and four threads do not settle four small batches.
    """
    asked: SimpleQueue[int] = SimpleQueue()
    busy = threading.Lock()

    def once(row_id: int) -> int:
        asked.put(row_id)
        done = 0
        while not asked.empty() and busy.acquire(blocking=False):
            try:
                done += work(_rows(asked))
            finally:
                busy.release()
        return done

    return once


def _rows(asked: SimpleQueue[int]) -> Sequence[int]:
    """The rows that were asked for until now, each once, in order; 0 is no row."""
    rows: dict[int, None] = {}
    try:
        while True:
            rows[asked.get_nowait()] = None
    except Empty:
        return [row for row in rows if row]


def _now_and_then(seconds: float, work: Callable[[int], int]) -> Callable[[int], int]:
    """Not again right after it was done: a minute's window need not be looked at for every batch.

    What took long rests long, so that a look which has become dear (a busy hour to count) takes a small share only.
    """
    rested = [0.0]

    def once(row_id: int) -> int:
        began = time.monotonic()
        if began < rested[0]:
            return 0
        try:
            return work(row_id)
        finally:
            ended = time.monotonic()
            rested[0] = ended + min(max(seconds, RESTS * (ended - began)), LONGEST_REST)

    return once


def _declare(broker: RedisBroker, job: Job, work: Callable[[int], int]) -> None:
    def actor(row_id: int) -> None:
        message = CurrentMessage.get_current_message()
        request_id = message.options.get("request_id") if message else None
        with bound_contextvars(job=job.name, **({"request_id": request_id} if request_id else {})):
            work(row_id)

    limits = {name: getattr(job, name) for name in ("time_limit", "max_retries", "min_backoff", "max_backoff")}
    dramatiq.Actor(
        actor, broker=broker, actor_name=job.name, queue_name=job.queue, priority=job.priority, options=limits
    )
