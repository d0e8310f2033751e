"""The queue's names and the bell: pushes actor names and row ids to Redis or Valkey, never contents.

A push that fails is forgotten on purpose: the rows are the truth, and `workers/clock` rings again for what waits.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker

log = structlog.get_logger()

QUEUE = "frontdesk"
"""All actors' queue. Each queue costs an idle worker two looks every few hundredths of a second, so there is one."""

QUIET_SECONDS = 2.0
"""After a failed push, how long no further push is tried, so that a dead Redis does not slow intake down."""

HEARTBEAT_MS = 15_000
MAINTENANCE_CHANCE = 100_000
"""With these a killed worker's jobs are back within half a minute; the defaults take ten."""


def broker(url: str, *, for_workers: bool) -> RedisBroker:
    """A Dramatiq broker. redis-py's own retries are off: a silent retry pushes a message twice."""
    client = redis.Redis.from_url(
        url,
        socket_timeout=None if for_workers else 1.0,
        socket_connect_timeout=2.0 if for_workers else 0.5,
        retry=None,
        retry_on_timeout=False,
        health_check_interval=0,
    )
    made = RedisBroker(  # type: ignore[no-untyped-call]
        client=client, middleware=[], heartbeat_timeout=HEARTBEAT_MS, maintenance_chance=MAINTENANCE_CHANCE
    )
    made.declare_queue(QUEUE)
    return made


class QueueBell:
    """Rings by enqueueing; one message per actor and batch, since an actor takes all that waits."""

    def __init__(self, made: RedisBroker) -> None:
        self.broker = made
        self._quiet_until = 0.0

    def ring(self, rings: Sequence[tuple[str, int]]) -> None:
        if time.monotonic() < self._quiet_until:
            return
        firsts = dict(reversed(rings))
        try:
            for actor, row_id in firsts.items():
                self.broker.enqueue(message(actor, row_id))
        except (redis.RedisError, dramatiq.DramatiqError, OSError) as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("ring_failed", error=type(error).__name__)


def message(actor: str, row_id: int) -> dramatiq.Message[None]:
    """The message that calls `actor(row_id)`, made without importing the actor."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=actor, args=(row_id,), kwargs={}, options={})
