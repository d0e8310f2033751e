"""The queues: one message for each job and transaction, on the queue that the job's workers take."""

from __future__ import annotations

import ast
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dramatiq
import redis
from dramatiq import Message
from structlog.contextvars import bound_contextvars

from storage.runtime import dead_letters, queue
from storage.runtime.queue import JOBS, OLD_QUEUE, QUEUES, RENAMED, RedisQueue


def _waiting(url: str) -> list[tuple[str, str, int]]:
    with redis.Redis.from_url(url) as client:
        raws: Any = [raw for name in QUEUES for raw in client.hvals(f"dramatiq:{name}.msgs")]  # type: ignore[union-attr]
    messages = [Message.decode(raw) for raw in raws]
    return sorted((message.queue_name, message.actor_name, message.args[0]) for message in messages)


def test_rows_of_one_transaction_are_one_message_for_each_job(valkey: str) -> None:
    queued = RedisQueue(queue.broker(valkey, for_workers=False))
    queued.enqueue([("ingest", 3), ("ingest", 4), ("events", 9), ("ingest", 5)])
    assert _waiting(valkey) == [("events", "events", 9), ("requests", "ingest", 3)]


def test_a_message_holds_a_name_and_a_number_only() -> None:
    found = queue.message("deliver", 7)
    assert (found.queue_name, found.actor_name, found.args, found.kwargs) == ("outbound", "deliver", (7,), {})
    assert found.options == {}


def test_a_message_carries_the_id_of_the_http_request_that_it_follows_from() -> None:
    with bound_contextvars(request_id="r-1"):
        assert queue.message("ingest", 1).options == {"request_id": "r-1"}


def test_every_job_says_its_queue_priority_retries_and_limits() -> None:
    assert {job.queue for job in JOBS.values()} == set(QUEUES)
    assert all(job.time_limit >= 60_000 and 0 < job.max_retries < 10 for job in JOBS.values())
    assert all(job.min_backoff <= job.max_backoff for job in JOBS.values())
    assert set(RENAMED.values()) <= set(JOBS) and not set(RENAMED) & set(JOBS)


def test_a_dead_queue_is_left_in_peace_for_a_while() -> None:
    with dying_queue() as (url, calls):
        queued = RedisQueue(queue.broker(url, for_workers=False))
        queued.enqueue([("ingest", 1)])
        first = len(calls)
        for _ in range(1000):
            queued.enqueue([("ingest", 1)])
        assert first >= 1
        assert len(calls) < 10 * first


@contextmanager
def dying_queue() -> Iterator[tuple[str, list[int]]]:
    """A server that hangs up on everybody, and who called it."""
    calls: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    calls.append(1)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def test_what_waits_in_the_one_queue_of_earlier_releases_is_moved_under_its_new_name(valkey: str) -> None:
    broker = queue.broker(valkey, for_workers=True)
    for actor, row_id in (("ingest", 3), ("react", 0), ("react", 0), ("watch", 0), ("gone", 1)):
        _push_old(broker, actor, row_id)
    _push_old(broker, "say", 0, ".DQ")
    broker.client.hset(f"dramatiq:{OLD_QUEUE}.msgs", "junk", b"{not json")
    assert queue.move_old(broker) == 4
    assert _waiting(valkey) == [
        ("events", "events", 0),
        ("requests", "ingest", 3),
        ("timers", "detect_incidents", 0),
        ("timers", "send_scheduled", 0),
    ]
    assert queue.move_old(broker) == 0 and not broker.client.keys(f"dramatiq:{OLD_QUEUE}*")


def test_the_depth_of_each_queue_is_known(valkey: str) -> None:
    queued = RedisQueue(queue.broker(valkey, for_workers=False))
    queued.enqueue([("ingest", 1), ("sla", 2), ("lifecycle", 0)])
    waiting = {depth.queue: depth.waiting for depth in dead_letters.depths(valkey)}
    assert waiting == {"requests": 1, "events": 0, "outbound": 0, "timers": 2, "training": 0}


def _push_old(broker: queue.Broker, actor: str, row_id: int, end: str = "") -> None:
    old: dramatiq.Message[None] = Message(OLD_QUEUE, actor, (row_id,), {}, {})
    broker.client.hset(f"dramatiq:{OLD_QUEUE}{end}.msgs", old.message_id, old.encode())
    broker.client.rpush(f"dramatiq:{OLD_QUEUE}{end}", old.message_id)


def test_every_job_that_the_code_enqueues_is_in_the_table() -> None:
    root = Path(__file__).parents[3]
    names = {
        node.args[1].value
        for room in ("storage", "usecases", "gateway", "workers", "console", "cli")
        for path in (root / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "enqueue"
        if len(node.args) == 3 and isinstance(node.args[1], ast.Constant)
    }
    assert {"ingest", "events", "deliver"} <= names <= set(JOBS)


def test_a_job_that_nobody_knows_is_refused_and_the_others_are_pushed(valkey: str) -> None:
    RedisQueue(queue.broker(valkey, for_workers=False)).enqueue([("dance", 1), ("ingest", 3)])
    assert _waiting(valkey) == [("requests", "ingest", 3)]
