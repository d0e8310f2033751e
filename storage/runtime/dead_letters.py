"""Jobs that the queue gave up after their last retry: listed, enqueued again or dropped.

The rows that they were about are unchanged. A job is shown with its time and the kind of its error, never with the
error's text. Dramatiq keeps them for seven days. A job that cannot be decoded is listed and can only be dropped.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dramatiq
import redis

from storage.runtime.queue import JOBS, OLD_QUEUE, QUEUES, broker, current_name, message

MOST = 1000
_ALL = (*QUEUES, OLD_QUEUE)


class QueueUnavailable(RuntimeError):
    """The queue does not answer."""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One job. `actor` is empty where it cannot be decoded."""

    id: str
    actor: str
    row_id: int
    given_up_at: datetime
    tries: int
    error: str
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Depth:
    """One queue: the messages that wait or are processed, and those that were given up."""

    queue: str
    waiting: int
    given_up: int


def list_jobs(url: str, most: int = MOST) -> list[DeadJob]:
    """The newest first, of all queues. Raises QueueUnavailable."""
    try:
        with _client(url) as client:
            jobs = [job for queue in _ALL for job in _of_queue(client, queue, most)]
    except (redis.RedisError, OSError) as error:
        raise QueueUnavailable(f"the queue does not answer: {type(error).__name__}") from error
    return sorted(jobs, key=lambda job: job.given_up_at, reverse=True)[:most]


def _of_queue(client: redis.Redis, queue: str, most: int) -> list[DeadJob]:
    rows: Any = client.zrevrange(_names(queue), 0, most - 1, withscores=True)
    ids = [name for name, _ in rows]
    contents: Any = client.hmget(_contents(queue), ids) if ids else []
    return [_dead(queue, name, at, content) for (name, at), content in zip(rows, contents, strict=True)]


def depths(url: str) -> list[Depth]:
    """Each queue's messages. Raises QueueUnavailable."""
    try:
        with _client(url) as client:
            return [_depth(client, queue) for queue in QUEUES]
    except (redis.RedisError, OSError) as error:
        raise QueueUnavailable(f"the queue does not answer: {type(error).__name__}") from error


def _depth(client: redis.Redis, queue: str) -> Depth:
    counted: Any = [client.hlen(f"dramatiq:{queue}{end}.msgs") for end in ("", ".DQ")]
    old: Any = client.zcard(_names(OLD_QUEUE)) if queue == QUEUES[0] else 0
    given_up: Any = client.zcard(_names(queue))
    return Depth(queue, sum(counted), int(given_up) + int(old))


def drop(url: str, ids: Collection[str]) -> int:
    """Drops them; returns how many there were."""
    if not ids:
        return 0
    dropped: list[Any] = []
    try:
        with _client(url) as client:
            for queue in _ALL:
                client.hdel(_contents(queue), *ids)
                dropped.append(client.zrem(_names(queue), *ids))
    except (redis.RedisError, OSError) as error:
        raise QueueUnavailable(f"the queue does not answer: {type(error).__name__}") from error
    return sum(dropped)


def retry(url: str, ids: Collection[str]) -> int:
    """Enqueues them again, each job and row once; what cannot be decoded stays. Returns how many were enqueued."""
    selected = [job for job in list_jobs(url) if job.id in set(ids) and job.actor in JOBS]
    opened = broker(url, for_workers=False)
    try:
        for actor, row_id in dict.fromkeys((job.actor, job.row_id) for job in selected):
            opened.enqueue(message(actor, row_id))
    except (redis.RedisError, dramatiq.DramatiqError, OSError) as error:
        raise QueueUnavailable(f"the queue does not answer: {type(error).__name__}") from error
    return drop(url, [job.id for job in selected])


def _names(queue: str) -> str:
    return f"dramatiq:{queue}.XQ"


def _contents(queue: str) -> str:
    return f"dramatiq:{queue}.XQ.msgs"


def _client(url: str) -> redis.Redis:
    if not url:
        raise QueueUnavailable("the desk has no queue")
    return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=1.0, retry=None)


def _dead(queue: str, name: bytes, at: float, content: bytes | None) -> DeadJob:
    when = datetime.fromtimestamp(at / 1000, UTC)
    try:
        read: Any = dramatiq.Message.decode(content or b"")
        traceback_lines = str(read.options.get("traceback", "")).strip().splitlines()
        tries, error = (
            int(read.options.get("retries", 0)),
            traceback_lines[-1].partition(":")[0][:200] if traceback_lines else "rejected",
        )
        return DeadJob(name.decode(), current_name(str(read.actor_name)), int(read.args[0]), when, tries, error, queue)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is shown
        return DeadJob(name.decode("utf-8", "replace"), "", 0, when, 0, "cannot be read", queue)
