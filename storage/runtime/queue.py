"""The queues and their jobs: pushes names of jobs and ids of rows to Redis or Valkey, never contents.

This is a transactional inbox and outbox: the row is the message. It is stored in the transaction that it belongs to,
and only after the COMMIT is a worker told. A failed push is ignored on purpose: the scheduler (`workers/scheduler.py`)
finds every waiting row and enqueues again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from structlog.contextvars import get_contextvars

from storage.runtime.queue_watch import QueueWatch, publish

log = structlog.get_logger()

REQUESTS, EVENTS, OUTBOUND, TIMERS, TRAINING = "requests", "events", "outbound", "timers", "training"
QUEUES = (REQUESTS, EVENTS, OUTBOUND, TIMERS, TRAINING)
"""Chat gets one of its own with its first job."""
BUSY_MS = 5
"""How long a consumer pauses whose queue was empty after all, or who has its hands full."""
TURN_SECONDS = 1.0
"""So often a sleeping consumer looks for messages that wait for their next try, and whether it shall stop."""
ASK_SECONDS = 3.0
"""So often a consumer asks for messages that nobody woke it for."""
OLD_QUEUE = "frontdesk"
"""The one queue of earlier releases; what still waits there is moved."""

SECOND = 1000


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. A lower priority goes first in a process that has several; times are in milliseconds.

    The rows are the truth and the scheduler enqueues again, so a few quick retries are enough.
    """

    name: str
    queue: str
    priority: int
    time_limit: int
    max_retries: int = 3
    min_backoff: int = 1 * SECOND
    max_backoff: int = 15 * SECOND


_TABLE = (
    Job("ingest", REQUESTS, 0, 120 * SECOND),
    Job("commands", REQUESTS, 5, 300 * SECOND),
    Job("events", EVENTS, 10, 120 * SECOND),
    Job("deliver", OUTBOUND, 20, 600 * SECOND),
    Job("fetch_files", OUTBOUND, 20, 600 * SECOND),
    Job("send_scheduled", TIMERS, 15, 120 * SECOND),
    Job("reassign", TIMERS, 15, 120 * SECOND),
    Job("sla", TIMERS, 25, 120 * SECOND),
    Job("lifecycle", TIMERS, 30, 120 * SECOND),
    Job("run_timed_rules", TIMERS, 30, 120 * SECOND),
    Job("detect_incidents", TIMERS, 30, 120 * SECOND),
    Job("csat", TIMERS, 30, 120 * SECOND),
    Job("rollup", TIMERS, 40, 600 * SECOND),
    Job("retention", TIMERS, 40, 600 * SECOND),
    Job("train", TRAINING, 30, 60 * SECOND, max_retries=1),
)
JOBS: Mapping[str, Job] = {job.name: job for job in _TABLE}
RENAMED = {
    "obey": "commands", "react": "events", "say": "send_scheduled", "fetch": "fetch_files", "route": "reassign",
    "clocks": "sla", "move_on": "lifecycle", "automate": "run_timed_rules", "watch": "detect_incidents",
    "rate": "csat", "count": "rollup", "forget": "retention", "retrain": "train",
}  # fmt: skip
"""What earlier releases called the jobs."""

QUIET_SECONDS = 2.0
"""After a failed push, how long no further push is tried, so that a dead Redis does not slow intake down."""

HEARTBEAT_MS = 15_000
MAINTENANCE_CHANCE = 100_000
"""With these a killed worker's jobs are back within half a minute; the defaults take ten."""


class Broker(RedisBroker):
    """Dramatiq's, whose consumers sleep until a message is enqueued, and which remembers when each last woke."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.looked_at: dict[str, float] = {}
        self.watch = QueueWatch(self.client, self.namespace)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        enqueued = super().enqueue(message, delay=delay)
        publish(self.client, enqueued.queue_name)
        return enqueued

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
        return super().consume(queue_name, prefetch, BUSY_MS)

    @property
    def consumer_class(self) -> Any:
        return _consumer_class(super().consumer_class)


def _consumer_class(base: Any) -> Any:
    class Sleeping(base):  # type: ignore[misc]
        """A consumer that asks for messages when it is woken, and after ASK_SECONDS all the same, since asking also
        tells Redis that this worker lives. A thread that ended or hangs says nothing."""

        def __init__(self, broker: Broker, queue_name: str, prefetch: int, timeout: int) -> None:
            super().__init__(broker, queue_name, prefetch, timeout)
            self._woken = broker.watch.enter(self, queue_name)
            self._asked_at = 0.0
            self._busy = False

        def __next__(self) -> Any:
            next_message = super().__next__() if self.message_cache or self._busy or self._is_due() else None
            # After a message the next is asked for at once: under load nobody waits to be woken.
            self._busy = next_message is not None
            self.broker.looked_at[self.queue_name] = time.monotonic()
            return next_message

        def close(self) -> None:
            self.broker.watch.leave(self)
            super().close()

        def _is_due(self) -> bool:
            woken = self._woken.wait(TURN_SECONDS)
            self._woken.clear()
            now = time.monotonic()
            if not woken and now - self._asked_at < ASK_SECONDS:
                return False
            self._asked_at = now
            return True

    return Sleeping


def broker(url: str, *, for_workers: bool) -> Broker:
    """A Dramatiq broker. redis-py's own retries are off: a silent retry pushes a message twice."""
    client = redis.Redis.from_url(
        url,
        socket_timeout=None if for_workers else 1.0,
        socket_connect_timeout=2.0 if for_workers else 0.5,
        retry=None,
        retry_on_timeout=False,
        health_check_interval=0,
    )
    opened = Broker(client=client, middleware=[], heartbeat_timeout=HEARTBEAT_MS, maintenance_chance=MAINTENANCE_CHANCE)
    for name in QUEUES:
        opened.declare_queue(name)
    return opened


class RedisQueue:
    """Enqueues one message per job and transaction, since an actor takes all that waits beside its row."""

    def __init__(self, opened: RedisBroker) -> None:
        self.broker = opened
        self._quiet_until = 0.0

    def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
        if time.monotonic() < self._quiet_until:
            return
        firsts = dict(reversed(jobs))
        try:
            for job, row_id in firsts.items():
                if job in JOBS:
                    self.broker.enqueue(message(job, row_id))
                else:
                    log.error("unknown_job_refused", job=job)
        except (redis.RedisError, dramatiq.DramatiqError, OSError) as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("enqueue_failed", error=type(error).__name__)


def message(job: str, row_id: int) -> dramatiq.Message[None]:
    """The queue message for this job and row, made without importing the actor."""
    request_id = get_contextvars().get("request_id")
    options = {"request_id": request_id} if request_id else {}
    queue = JOBS[job].queue
    return dramatiq.Message(queue_name=queue, actor_name=job, args=(row_id,), kwargs={}, options=options)


def move_old(opened: RedisBroker) -> int:
    """Move what waits in the one queue of earlier releases; returns how many messages were pushed for it.

    Of each job and row one is enough. What cannot be read is dropped: the row that it meant is swept.
    """
    client: Any = opened.client
    keys = [f"dramatiq:{OLD_QUEUE}{end}" for end in ("", ".DQ")]
    contents = [content for key in keys for content in client.hvals(f"{key}.msgs")]
    wanted = dict.fromkeys(filter(None, map(_job_and_row, contents)))
    for job, row_id in wanted:
        opened.enqueue(message(job, row_id))
    client.delete(*keys, *(f"{key}.msgs" for key in keys))
    if contents:
        log.info("old_queue_moved", messages=len(contents), pushed=len(wanted))
    return len(wanted)


def _job_and_row(content: bytes) -> tuple[str, int] | None:
    try:
        read: Any = dramatiq.Message.decode(content)
        job, row_id = current_name(str(read.actor_name)), int(read.args[0])
    except (dramatiq.DramatiqError, ValueError, LookupError, TypeError):
        return None
    return (job, row_id) if job in JOBS else None


def current_name(job: str) -> str:
    """The current name of a job that was renamed."""
    return RENAMED.get(job, job)
