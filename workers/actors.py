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
"""The least pause of a process between two runs of these jobs; the scheduler enqueues what waits then."""
PAUSE_FACTOR, LONGEST_PAUSE = 20, 10.0
"""The pause is so many times as long as the run took, at most the second."""

Work = Callable[[Sequence[int]], int]
"""Works all rows that wait, those with these ids first."""


def register(broker: RedisBroker, context: Context) -> None:
    """Declare the actors on this process's broker."""
    for middleware in (Retries(), TimeLimit(), CurrentMessage()):
        broker.add_middleware(middleware)
    for name, work in handlers(context).items():
        _declare(broker, JOBS[name], work)


def handlers(context: Context) -> dict[str, Callable[[int], int]]:
    """The handler of each job. Jobs that concern the whole desk have no row to begin with."""
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
    shells["reassign"] = _rarely(REASSIGN_SECONDS, _one_at_a_time(lambda _: reassign.drain(context)))
    shells["detect_incidents"] = _rarely(DETECT_SECONDS, _one_at_a_time(lambda _: incident_detector.drain(context)))
    shells["train"] = lambda _: trainer.start()
    return shells


def _one_at_a_time(work: Work) -> Callable[[int], int]:
    """Lets one thread of this process do the work, in large batches; other threads hand their rows to it.

    So a slow relay blocks one thread and not all of them, and four threads do not process four small batches.
    """
    requested: SimpleQueue[int] = SimpleQueue()
    busy = threading.Lock()

    def once(row_id: int) -> int:
        requested.put(row_id)
        done = 0
        while not requested.empty() and busy.acquire(blocking=False):
            try:
                done += work(_rows(requested))
            finally:
                busy.release()
        return done

    return once


def _rows(requested: SimpleQueue[int]) -> Sequence[int]:
    """The row ids that were requested until now, each once, in order; 0 is no row."""
    rows: dict[int, None] = {}
    try:
        while True:
            rows[requested.get_nowait()] = None
    except Empty:
        return [row for row in rows if row]


def _rarely(seconds: float, work: Callable[[int], int]) -> Callable[[int], int]:
    """Runs the work at most once per pause: a window of minutes need not be examined for every batch.

    After a long run the pause is long, so that expensive work takes a small share of the time only.
    """
    pause_until = [0.0]

    def once(row_id: int) -> int:
        began = time.monotonic()
        if began < pause_until[0]:
            return 0
        try:
            return work(row_id)
        finally:
            ended = time.monotonic()
            pause_until[0] = ended + min(max(seconds, PAUSE_FACTOR * (ended - began)), LONGEST_PAUSE)

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
