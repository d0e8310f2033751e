"""Wakes the consumers of a worker: whoever enqueues publishes the queue's name, and one thread hears it for all.

Messages that nobody published (an earlier release did, or Redis was away) are found by one question for all queues.
Consumers that polled for themselves cost an idle worker most of its CPU. The thread lives as long as they do.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from weakref import WeakKeyDictionary

import redis
import structlog
from redis.client import PubSub

CHANNEL = "frontdesk:enqueued"
POLL_SECONDS = 0.25
"""After so long without a word the queues are asked."""
AWAY_SECONDS = 1.0
"""The pause while Redis is away."""

log = structlog.get_logger()


def publish(client: redis.Redis, queue_name: str) -> None:
    """Says that a message was enqueued; without the word it is found a moment later."""
    with suppress(redis.RedisError, OSError):
        client.publish(CHANNEL, queue_name)


class QueueWatch:
    """The consumers of one broker, and the events that wake them."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._lock = threading.Lock()
        self._waiting: WeakKeyDictionary[object, tuple[str, threading.Event]] = WeakKeyDictionary()
        self._thread: threading.Thread | None = None

    def enter(self, consumer: object, queue_name: str) -> threading.Event:
        """The event that is set when the queue has messages, now and while Redis is away."""
        woken = threading.Event()
        woken.set()
        with self._lock:
            self._waiting[consumer] = (queue_name, woken)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="queue-watch", daemon=True)
                self._thread.start()
        return woken

    def leave(self, consumer: object) -> None:
        with self._lock:
            self._waiting.pop(consumer, None)

    def _run(self) -> None:
        while self._consumers():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(CHANNEL)
                    self._listen(subscription)
            except (redis.RedisError, OSError):
                self._wake_all()
            except Exception:
                log.exception("queue_watch_failed")
                self._wake_all()

    def _wake_all(self) -> None:
        """While Redis is away the consumers ask for themselves, and tell of it."""
        for _, woken in self._consumers():
            woken.set()
        time.sleep(AWAY_SECONDS)

    def _listen(self, subscription: PubSub) -> None:
        while self._consumers():
            word = subscription.get_message(timeout=POLL_SECONDS)
            name = word["data"].decode(errors="replace") if word else ""
            for queue_name, woken in self._consumers():
                if queue_name == name:
                    woken.set()
            if not word:
                self._poll()

    def _poll(self) -> None:
        asleep = [(f"{self._namespace}:{name}", woken) for name, woken in self._consumers() if not woken.is_set()]
        if asleep and self._client.exists(*(key for key, _ in asleep)):
            for key, woken in asleep:
                if self._client.exists(key):
                    woken.set()

    def _consumers(self) -> list[tuple[str, threading.Event]]:
        """Whom this thread wakes; nobody, once the last has left and another thread may have begun."""
        with self._lock:
            if self._thread is not threading.current_thread():
                return []
            consumers = list(self._waiting.values())
            if not consumers:
                self._thread = None
            return consumers
