"""The heartbeat of a worker process: which queues it takes, and which of its threads have stopped."""

from __future__ import annotations

import time
from typing import Any

import structlog
from dramatiq import Worker

from storage.runtime import queue

log = structlog.get_logger()

SILENT_SECONDS = 30.0
"""A consumer that has not polled its queue for so long counts as stopped."""


def report(worker: Worker, broker: queue.Broker, began: float) -> dict[str, Any]:
    """The queues that this worker takes, those that no consumer polls any more, and how many of its threads ended."""
    queues = [name for name in queue.QUEUES if name in worker.consumers]
    silent = [name for name in worker.consumers if not _polls(worker, broker, name, began)]
    ended = sum(not thread.is_alive() for thread in worker.workers)
    if silent or ended:
        log.error("threads_fell_silent", queues=silent, ended=ended)
        _restart_consumers(worker, broker)
    if ended == len(worker.workers):
        silent = queues
    return {"queues": queues, "silent": silent, "ended": ended}


def _restart_consumers(worker: Worker, broker: queue.Broker) -> None:
    """Consumers whose thread has ended get another one; their messages are rows, which are swept."""
    for name, consumer in list(worker.consumers.items()):
        if not consumer.is_alive():
            del worker.consumers[name]
            broker.emit_after("declare_queue" if name in queue.QUEUES else "declare_delay_queue", name)


def _polls(worker: Worker, broker: queue.Broker, name: str, began: float) -> bool:
    polled = broker.looked_at.get(name, began)
    return worker.consumers[name].is_alive() and time.monotonic() - polled < SILENT_SECONDS
