"""A consumer is woken for its own queue only, and by a Redis that is away; the thread ends with the last consumer."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable

import redis

from storage.runtime import queue
from storage.runtime.queue_watch import QueueWatch, publish
from tests.servers.fleet import wait_until


class Consumer:
    """Whoever waits."""


def until_heard(say: Callable[[], None], woken: threading.Event) -> None:
    """Says it again until somebody listens: a subscription takes a moment."""
    for _ in range(600):
        say()
        if woken.wait(0.1):
            return
    raise AssertionError("nobody was woken")


def ends(watch: QueueWatch, *consumers: Consumer) -> None:
    for consumer in consumers:
        watch.leave(consumer)
    wait_until(lambda: watch._thread is None, "the thread went on without consumers", 60)


def test_a_message_wakes_the_consumer_of_its_queue_and_no_other(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        watch, mine, other = QueueWatch(client, "test"), Consumer(), Consumer()
        woken, others_woken = watch.enter(mine, "requests"), watch.enter(other, "events")
        assert woken.is_set() and others_woken.is_set(), "whoever begins asks at once"
        for name, asleep, awake in (("requests", others_woken, woken), ("events", woken, others_woken)):
            asleep.clear()
            awake.clear()
            until_heard(lambda name=name: publish(client, name), awake)
            assert not asleep.is_set()
        ends(watch, mine, other)


def test_a_message_that_nobody_published_is_found(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        watch, consumer, other = QueueWatch(client, "test"), Consumer(), Consumer()
        woken, others_woken = watch.enter(consumer, "requests"), watch.enter(other, "events")
        woken.clear()
        others_woken.clear()
        client.lpush("test:requests", "1")
        assert woken.wait(60) and not others_woken.is_set()
        ends(watch, consumer, other)


def test_a_message_wakes_a_sleeping_consumer_of_the_broker(valkey: str) -> None:
    broker = queue.broker(valkey, for_workers=True)
    consumer = broker.consume(queue.REQUESTS, prefetch=4)
    assert next(consumer) is None
    broker.enqueue(queue.message("ingest", 7))
    found = next(message for message in consumer if message is not None)
    assert found.args == (7,)
    consumer.ack(found)
    consumer.close()
    wait_until(lambda: broker.watch._thread is None, "the thread went on without consumers", 60)


def test_a_redis_that_is_away_wakes_everybody_so_that_they_tell_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
    watch, consumer = QueueWatch(redis.Redis.from_url(url, retry=None), "test"), Consumer()
    woken = watch.enter(consumer, "requests")
    woken.clear()
    assert woken.wait(60)
    ends(watch, consumer)
    with redis.Redis.from_url(url, retry=None) as client:
        publish(client, "requests")


def test_the_thread_ends_with_the_last_consumer_and_begins_again_with_the_next(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        watch, closed, forgotten = QueueWatch(client, "test"), Consumer(), Consumer()
        watch.enter(closed, "a")
        watch.enter(forgotten, "b")
        thread = next(one for one in threading.enumerate() if one is watch._thread)
        watch.leave(closed)
        watch.leave(closed)
        del forgotten
        gc.collect()
        wait_until(lambda: not thread.is_alive(), "the thread went on without consumers", 60)
        next_one = Consumer()
        woken = watch.enter(next_one, "c")
        woken.clear()
        client.lpush("test:c", "1")
        assert woken.wait(60)
        ends(watch, next_one)
