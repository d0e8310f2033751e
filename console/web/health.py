"""Health checks and metrics for monitoring: /livez, /readyz and /metrics.

The answers are at most a second old and hold no bodies, addresses or secrets. A database or disk that fails makes a
process not ready (503). A queue, scheduler, worker or sandbox that is away only degrades it, because requests are still
stored; `failing` names it.
"""

from __future__ import annotations

import asyncio
import hmac
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import redis
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.web.connection_limit import LOOPBACK
from desk.config.settings import Settings
from desk.web.client_ip import is_within
from storage.learning import models
from storage.mail import imap_folders, inbound, outbound
from storage.mail.imap_folders import FolderHealth
from storage.open_store import Store
from storage.runtime import dead_letters, failures, heartbeats, locks
from storage.runtime.heartbeats import Heartbeat
from storage.runtime.queue import QUEUES

OK, DEGRADED, DOWN = "ok", "degraded", "down"
LEAST_FREE_BYTES = 64 * 1024 * 1024
PATIENCE = 5.0
"""A dependency that has not answered after so many seconds is down."""
KEPT_SECONDS = 1.0
CLOCK_SILENCE = timedelta(seconds=30)
FAR_BEHIND_SECONDS = 600.0
"""A mailbox whose oldest mail waits for so long is not fetched as it should be."""

_NO_METRICS = "Metrics are for this machine, or for who sends FRONTDESK_METRICS_TOKEN as a bearer token.\n"
_PROXIES = ("x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "via")
_FOLDER = ("mailbox", "folder")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Health:
    """The state of each dependency: ok, degraded or down. The whole is as bad as the worst of them."""

    parts: dict[str, str]
    failing: tuple[str, ...] = ()
    """What is behind a degraded part: a look of the scheduler, a queue, a job with rows that were given up."""
    imap_trouble: tuple[dict[str, str | int | float], ...] = ()
    """The folders that cannot be fetched or are far behind, by the number of their mailbox."""

    @property
    def status(self) -> str:
        return next((word for word in (DOWN, DEGRADED) if word in self.parts.values()), OK)


class HealthChecker:
    """Checks the dependencies, at most once a second however many requests ask."""

    def __init__(self, store: Store, now: Clock) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._last: tuple[float, Health] | None = None

    def health(self) -> Health:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                self._last = (time.monotonic(), self._examine())
            return self._last[1]

    def _examine(self) -> Health:
        parts = {"database": DOWN, "clock": DEGRADED, "queue": self._queue(), "disk": self._disk()}
        now = self._now()
        try:
            with self._store.database.reading() as session:
                held = locks.is_held(session, "clock", now, CLOCK_SILENCE)
                given_up = models.has_broken(session)
                beats = heartbeats.live_heartbeats(session, now)
                trouble = _imap_trouble(imap_folders.list_health(session), now)
        except (sa.exc.SQLAlchemyError, OSError):
            return Health(parts)
        looks, threads, sandbox = _looks(beats), _threads(beats), _sandbox(beats)
        parts |= {"database": OK, "clock": _state(held and not looks), "model": _state(not given_up)}
        parts |= {"workers": _state(not threads), "sandbox": _state(not sandbox)}
        parts |= {"imap": _state(not trouble)}
        return Health(parts, looks + threads + sandbox, trouble)

    def _queue(self) -> str:
        url = self._store.settings.redis_url
        if not url:
            return DEGRADED
        try:
            with redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=None) as client:
                return OK if client.ping() else DEGRADED
        except (redis.RedisError, OSError):
            return DEGRADED

    def _disk(self) -> str:
        try:
            return OK if shutil.disk_usage(self._store.settings.data).free > LEAST_FREE_BYTES else DOWN
        except OSError:
            return DOWN


def _state(good: bool) -> str:
    return OK if good else DEGRADED


def _looks(beats: list[Heartbeat]) -> tuple[str, ...]:
    """Checks of the scheduler that failed, with the class of the error."""
    failing = [beat.data.get("failing", {}) for beat in beats if beat.kind == heartbeats.SCHEDULER]
    return tuple(f"scheduler: {look} ({why})" for some in failing for look, why in sorted(some.items()))


def _threads(beats: list[Heartbeat]) -> tuple[str, ...]:
    """Queues that no worker consumes, and threads that ended or hang."""
    workers = [beat for beat in beats if beat.kind == heartbeats.WORKER]
    unserved = [f"queue {name}: no worker takes it" for name in heartbeats.silent_queues(beats, QUEUES)]
    silent = sorted({f"queue {name}: a consumer is silent" for beat in workers for name in beat.data.get("silent", ())})
    ended = sum(int(beat.data.get("ended", 0)) for beat in workers)
    return (*unserved, *silent, *([f"workers: {ended} threads have ended"] if ended else []))


def _sandbox(beats: list[Heartbeat]) -> tuple[str, ...]:
    reasons = [str(beat.data.get("sandbox") or "") for beat in beats if beat.kind == heartbeats.GATEWAY]
    return tuple(sorted({f"sandbox: {why}" for why in reasons if why}))


def _imap_trouble(folders: Iterable[FolderHealth], now: datetime) -> tuple[dict[str, str | int | float], ...]:
    """Without addresses and without the words of the IMAP server: `frontdesk doctor` shows those."""
    behind = [(folder, folder.seconds_behind(now)) for folder in folders]
    return tuple(
        {
            "mailbox": folder.mailbox_id,
            "folder": folder.folder,
            "state": "failing" if folder.failing_since else "behind",
            "lag_seconds": seconds,
        }
        for folder, seconds in behind
        if folder.failing_since or seconds > FAR_BEHIND_SECONDS
    )


class MetricsCollector(Collector):
    """The inbound and outbound logs as Prometheus gauges, counted at each scrape."""

    def __init__(self, store: Store, examiner: HealthChecker, now: Clock) -> None:
        self._store = store
        self._examiner = examiner
        self._now = now

    def collect(self) -> Iterable[Metric]:
        now = self._now()
        parts = self._examiner.health().parts
        yield _by("frontdesk_dependency_up", "1 if the dependency is ok", "dependency", _ups(parts))
        if parts["database"] == OK:
            yield from self._ledgers(now)
        if parts["queue"] == OK:
            yield from self._queues()

    def _queues(self) -> Iterable[Metric]:
        try:
            depths = dead_letters.depths(self._store.settings.redis_url)
        except dead_letters.QueueUnavailable:
            return
        jobs = sum(depth.given_up for depth in depths)
        yield GaugeMetricFamily("frontdesk_queue_given_up", "Jobs that failed at every try", jobs)
        waiting = {depth.queue: depth.waiting for depth in depths}
        yield _by("frontdesk_queue_messages", "Messages that wait or are worked", "queue", waiting)

    def _ledgers(self, now: datetime) -> Iterable[Metric]:
        with self._store.database.reading() as session:
            summed, leaving = inbound.totals(session, now), outbound.totals(session)
            folders, failed = imap_folders.list_health(session), failures.given_up(session)
        oldest = summed.oldest_unsettled
        yield _by("frontdesk_inbound", "Requests by the state that they ended in", "state", dict(summed.states))
        yield GaugeMetricFamily("frontdesk_inbound_unsettled", "Requests that wait", summed.unsettled)
        age = oldest.total_seconds() if oldest is not None else 0.0
        yield GaugeMetricFamily("frontdesk_inbound_oldest_unsettled_seconds", "How long the oldest one waits", age)
        yield GaugeMetricFamily("frontdesk_inbound_repeats", "Copies that were recognised", summed.repeats)
        yield _by("frontdesk_outbound", "Outbound messages by state", "state", leaving)
        yield _by("frontdesk_failed_rows", "Rows that failed at every try and wait for people", "job", failed)
        lags = GaugeMetricFamily("frontdesk_imap_lag_seconds", "Age of the oldest mail to fetch", labels=_FOLDER)
        for folder in folders:
            lags.add_metric([str(folder.mailbox_id), folder.folder], folder.seconds_behind(now))
        yield lags


def routes(store: Store, now: Clock = lambda: datetime.now(UTC)) -> list[Route]:
    """Routes for every process that has a web address."""
    examiner = HealthChecker(store, now)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MetricsCollector(store, examiner, now))

    async def readyz(_request: Request) -> Response:
        try:
            health = await asyncio.wait_for(asyncio.to_thread(examiner.health), PATIENCE)
        except TimeoutError:
            health = Health({"database": DOWN})
        code = 503 if health.status == DOWN else 200
        failing = {"failing": list(health.failing)} if health.failing else {}
        trouble = {"imap_trouble": health.imap_trouble} if health.imap_trouble else {}
        return JSONResponse({"status": health.status, **health.parts, **failing, **trouble}, code)

    def metrics(request: Request) -> Response:
        if not may_read_metrics(request, store.settings):
            return PlainTextResponse(_NO_METRICS, 401, {"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/livez", _livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def may_read_metrics(request: Request, settings: Settings) -> bool:
    """Whoever sends the token; if no token is set, clients on this machine that do not come through a proxy.

    A proxy on this machine that adds no header looks like a client on it. So where the settings say that the pages are
    reached from outside, only the token counts.
    """
    if settings.metrics_token:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        wanted = settings.metrics_token.encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), wanted)
    host = urlsplit(settings.public_url).hostname or ""
    outside = bool(settings.trusted_proxies) or not (host in ("", "localhost") or is_within(host, LOOPBACK))
    proxied = outside or any(name in request.headers for name in _PROXIES)
    return not proxied and is_within(request.client.host if request.client else "", LOOPBACK)


async def _livez(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _ups(parts: dict[str, str]) -> dict[str, int]:
    return {name: int(state == OK) for name, state in parts.items()}


def _by(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in values.items():
        family.add_metric([key], value)
    return family
