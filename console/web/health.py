"""Is it alive, is it ready, and how much waits: /livez, /readyz and /metrics, for machines.

In: the record. Out: the truth as of a second ago, without bodies, addresses or secrets. A database or disk that fails
makes a process not ready (503); a queue that is away only degrades it, since requests are still written down.
"""

from __future__ import annotations

import asyncio
import hmac
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.web.connection_places import LOOPBACK
from desk.config.settings import Settings
from desk.web.client_ip import is_within
from storage.learning import models
from storage.mail import imap_folders, inbound, outbound
from storage.open_store import Store
from storage.runtime import dead_letters, locks

OK, DEGRADED, DOWN = "ok", "degraded", "down"
LEAST_FREE_BYTES = 64 * 1024 * 1024
PATIENCE = 5.0
"""A dependency that has not answered after so many seconds is down."""
KEPT_SECONDS = 1.0
CLOCK_SILENCE_SECONDS = 30.0

_NO_METRICS = "Figures are told to this machine, or to who sends FRONTDESK_METRICS_TOKEN as a bearer token.\n"
_PROXIES = ("x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "via")
_FOLDER = ("mailbox", "folder")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Health:
    """What each dependency is: ok, degraded or down. The whole is as bad as the worst of them."""

    parts: dict[str, str]

    @property
    def status(self) -> str:
        return next((word for word in (DOWN, DEGRADED) if word in self.parts.values()), OK)


class Examiner:
    """Asks the dependencies, at most once a second however many ask."""

    def __init__(self, store: Store, now: Clock) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._last: tuple[float, Health] | None = None

    def health(self) -> Health:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                self._last = (time.monotonic(), Health(self._examine()))
            return self._last[1]

    def _examine(self) -> dict[str, str]:
        parts = {"database": DOWN, "clock": DEGRADED, "queue": self._queue(), "disk": self._disk()}
        try:
            with self._store.database.reading() as session:
                until = locks.until(session, "clock")
                given_up = models.has_broken(session)
        except (sa.exc.SQLAlchemyError, OSError):
            return parts
        silent = until is None or (self._now() - until).total_seconds() > CLOCK_SILENCE_SECONDS
        clock, model = DEGRADED if silent else OK, DEGRADED if given_up else OK
        return parts | {"database": OK, "clock": clock, "model": model}

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


class Counts(Collector):
    """The ledgers as Prometheus gauges, counted when they are asked for."""

    def __init__(self, store: Store, examiner: Examiner, now: Clock) -> None:
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
            yield from self._given_up()

    def _given_up(self) -> Iterable[Metric]:
        try:
            jobs = dead_letters.count(self._store.settings.redis_url)
        except dead_letters.Away:
            return
        yield GaugeMetricFamily("frontdesk_queue_given_up", "Jobs that failed at every try", jobs)

    def _ledgers(self, now: datetime) -> Iterable[Metric]:
        with self._store.database.reading() as session:
            summed, leaving = inbound.totals(session, now), outbound.totals(session)
            folders = imap_folders.health(session)
        oldest = summed.oldest_unsettled
        yield _by("frontdesk_inbound", "Requests by the state that they ended in", "state", dict(summed.states))
        yield GaugeMetricFamily("frontdesk_inbound_unsettled", "Requests that wait", summed.unsettled)
        age = oldest.total_seconds() if oldest is not None else 0.0
        yield GaugeMetricFamily("frontdesk_inbound_oldest_unsettled_seconds", "How long the oldest one waits", age)
        yield GaugeMetricFamily("frontdesk_inbound_repeats", "Copies that were recognised", summed.repeats)
        yield _by("frontdesk_outbound", "Letters by state", "state", leaving)
        lags = GaugeMetricFamily("frontdesk_imap_lag_seconds", "Age of the oldest mail to fetch", labels=_FOLDER)
        for folder in folders:
            lag = folder.lag(now)
            lags.add_metric([str(folder.mailbox_id), folder.folder], lag.total_seconds() if lag else float("nan"))
        yield lags


def routes(store: Store, now: Clock = lambda: datetime.now(UTC)) -> list[Route]:
    """For every process that has a web address."""
    examiner = Examiner(store, now)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counts(store, examiner, now))

    async def readyz(_request: Request) -> Response:
        try:
            health = await asyncio.wait_for(asyncio.to_thread(examiner.health), PATIENCE)
        except TimeoutError:
            health = Health({"database": DOWN})
        code = 503 if health.status == DOWN else 200
        return JSONResponse({"status": health.status, **health.parts}, code)

    def metrics(request: Request) -> Response:
        if not may_read_metrics(request, store.settings):
            return PlainTextResponse(_NO_METRICS, 401, {"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/livez", _livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def may_read_metrics(request: Request, settings: Settings) -> bool:
    """Who has the token; without a token in the settings, who asks on this machine itself and not through a proxy."""
    if settings.metrics_token:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        wanted = settings.metrics_token.encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), wanted)
    proxied = any(name in request.headers for name in _PROXIES)
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
