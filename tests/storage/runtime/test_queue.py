"""The bell: one message for each actor and batch, on the queues that the workers know."""

from __future__ import annotations

import time

import redis
from dramatiq import Message

from storage.runtime import queue
from storage.runtime.queue import QUEUE, QueueBell


def _waiting(url: str) -> list[tuple[str, int]]:
    with redis.Redis.from_url(url) as client:
        raws = client.hvals(f"dramatiq:{QUEUE}.msgs")
    messages = [Message.decode(raw) for raw in raws]  # type: ignore[union-attr]
    return sorted((message.actor_name, message.args[0]) for message in messages)


def test_a_ring_is_one_message_for_each_actor(valkey: str) -> None:
    bell = QueueBell(queue.broker(valkey, for_workers=False))
    bell.ring([("ingest", 3), ("ingest", 4), ("react", 0), ("ingest", 5)])
    assert _waiting(valkey) == [("ingest", 3), ("react", 0)]


def test_a_message_holds_a_name_and_a_number_only(valkey: str) -> None:
    made = queue.message("deliver", 7)
    assert (made.queue_name, made.actor_name, made.args, made.kwargs) == (QUEUE, "deliver", (7,), {})


def test_a_dead_queue_is_left_in_peace_for_a_while() -> None:
    bell = QueueBell(queue.broker("redis://127.0.0.1:1", for_workers=False))
    bell.ring([("ingest", 1)])
    started = time.monotonic()
    for _ in range(1000):
        bell.ring([("ingest", 1)])
    assert time.monotonic() - started < 0.5
