"""Jobs that the queue gave up: seen, rung again, or thrown away. The rows that they were about stay the truth.

In: the queue's address. Out: what was given up, when and by which kind of error, never its words. Dramatiq keeps them
for seven days. A job that nobody can read is shown as such, and can only be thrown away.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dramatiq
import redis

from storage.runtime.queue import QUEUE, broker, message

MOST = 1000
_NAMES, _CONTENTS = f"dramatiq:{QUEUE}.XQ", f"dramatiq:{QUEUE}.XQ.msgs"


class Away(RuntimeError):
    """The queue does not answer."""


@dataclass(frozen=True, slots=True)
class Dead:
    """One job. `actor` is empty where it cannot be read."""

    id: str
    actor: str
    row_id: int
    given_up_at: datetime
    tries: int
    error: str


def listed(url: str, most: int = MOST) -> list[Dead]:
    """The newest first. Raises Away."""
    try:
        with _client(url) as client:
            found: Any = client.zrevrange(_NAMES, 0, most - 1, withscores=True)
            names = [name for name, _ in found]
            contents: Any = client.hmget(_CONTENTS, names) if names else []
    except (redis.RedisError, OSError) as error:
        raise Away(f"the queue does not answer: {type(error).__name__}") from error
    return [_dead(name, at, content) for (name, at), content in zip(found, contents, strict=True)]


def count(url: str) -> int:
    try:
        with _client(url) as client:
            return int(client.zcard(_NAMES))
    except (redis.RedisError, OSError) as error:
        raise Away(f"the queue does not answer: {type(error).__name__}") from error


def drop(url: str, ids: Collection[str]) -> int:
    """Throw them away; returns how many there were."""
    if not ids:
        return 0
    try:
        with _client(url) as client:
            client.hdel(_CONTENTS, *ids)
            return int(client.zrem(_NAMES, *ids))
    except (redis.RedisError, OSError) as error:
        raise Away(f"the queue does not answer: {type(error).__name__}") from error


def retry(url: str, ids: Collection[str]) -> int:
    """Ring for them again, each kind of job and row once; what cannot be read stays. Returns how many went."""
    wanted = [one for one in listed(url) if one.id in set(ids) and one.actor]
    made = broker(url, for_workers=False)
    try:
        for actor, row_id in dict.fromkeys((one.actor, one.row_id) for one in wanted):
            made.enqueue(message(actor, row_id))
    except (redis.RedisError, dramatiq.DramatiqError, OSError) as error:
        raise Away(f"the queue does not answer: {type(error).__name__}") from error
    return drop(url, [one.id for one in wanted])


def _client(url: str) -> redis.Redis:
    if not url:
        raise Away("the desk has no queue")
    return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=1.0, retry=None)


def _dead(name: bytes, at: float, content: bytes | None) -> Dead:
    when = datetime.fromtimestamp(at / 1000, UTC)
    try:
        read: Any = dramatiq.Message.decode(content or b"")
        said = str(read.options.get("traceback", "")).strip().splitlines()
        tries, error = int(read.options.get("retries", 0)), said[-1].partition(":")[0][:200] if said else "rejected"
        return Dead(name.decode(), str(read.actor_name), int(read.args[0]), when, tries, error)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is shown
        return Dead(name.decode("utf-8", "replace"), "", 0, when, 0, "cannot be read")
