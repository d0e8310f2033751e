"""The worker process: threads that take jobs from the queues, with the scheduler beside them.

On SIGTERM or SIGINT it takes no new job, finishes the running ones, and ends.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

import redis
import structlog
from dramatiq import Worker

from desk.config.settings import BadSetting
from storage.open_store import Store
from storage.runtime import heartbeats, queue
from workers import actors
from workers.runtime import heartbeat
from workers.runtime.context import Context, open_context
from workers.scheduler import Scheduler

PREFETCH = 64
"""Dramatiq prefetches too little. How often queues are polled is set in `storage/runtime/queue_watch.py`."""
IDLE_MS = 250
"""So often a thread without work looks whether it shall stop; a fetched message wakes it at once."""
FINISH_MS = 25_000
_STOP = frozenset({signal.SIGTERM, signal.SIGINT})

Ready = Callable[[Mapping[str, str]], None]

log = structlog.get_logger()


def run(store: Store, ready: Ready, queues: Collection[str] = queue.QUEUES) -> None:
    """Work what waits in these queues until a signal; the scheduler runs beside, since only one holds the lease."""
    url = store.settings.redis_url
    if not url:
        raise BadSetting("FRONTDESK_REDIS_URL", "a worker needs the queue's address")
    hold_signals()
    context = open_context(store)
    # Objects made until now live as long as the process, and a batch leaves few behind: collections can be rare.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    with _scheduler(context), _working(context, url, queues):
        ready({})
        _wait_for_signal()


def run_scheduler(store: Store, ready: Ready) -> None:
    """Runs the scheduler alone."""
    hold_signals()
    with _scheduler(open_context(store)):
        ready({})
        _wait_for_signal()


@contextmanager
def _working(context: Context, url: str, queues: Collection[str]) -> Iterator[None]:
    broker, threads = queue.broker(url, for_workers=True), context.store.settings.worker_threads
    actors.register(broker, context)
    with suppress(redis.RedisError, OSError):
        queue.move_old(broker)
    worker = Worker(broker, queues=set(queues), worker_timeout=IDLE_MS, worker_threads=threads)
    worker.queue_prefetch = PREFETCH
    worker.start()
    log.info("worker_started", threads=threads, queues=sorted(queues))
    try:
        report = partial(heartbeat.report, worker, broker, time.monotonic())
        with heartbeats.send_heartbeats(context.store.database, heartbeats.WORKER, report):
            yield
    finally:
        worker.stop(timeout=FINISH_MS)
        log.info("worker_stopped")


@contextmanager
def _scheduler(context: Context) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Scheduler(context).run, args=(stop,), name="clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(FINISH_MS / 1000)


def hold_signals() -> None:
    """From now on SIGTERM and SIGINT wait for `sigwait`. Before any thread starts, because threads inherit this, and
    one that does not would let the signal end the process at once."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)


def _wait_for_signal() -> None:
    signal.sigwait(_STOP)
