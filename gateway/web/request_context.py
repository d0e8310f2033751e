"""What the handlers of the web channels share: the store, the clock, the rate limits, and the call to the intake.

A database that cannot be reached becomes Unavailable, so that a page or a JSON answer can say "later".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
import sqlalchemy as sa
import structlog
from starlette.requests import Request

from desk.config.settings import Settings
from desk.mail.reply_budget import victim
from desk.web.client_ip import came_from, neighbourhood
from desk.web.rate_limit import Pace
from gateway.intake import Incoming
from gateway.web.form_fields import FormFields, read_form_fields
from storage.db.session import is_disk_full, is_unavailable
from storage.open_store import Store
from storage.people import people

log = structlog.get_logger()

Accept = Callable[[Store, Incoming, str, datetime], int]
"""`gateway.intake.accept_once`, or a stub in tests."""

_OWN_ADDRESSES_FOR = timedelta(seconds=30)
_FORM_FIELDS_FOR = timedelta(seconds=5)


class Unavailable(RuntimeError):
    """Nothing was stored; it may work later."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one visitor or one token may send."""

    bytes: int = 20_000_000
    files: int = 10
    forms_per_peer: int = 30
    peer_minutes: int = 10
    forms_per_address: int = 10
    address_minutes: int = 60
    posts_per_token_and_minute: int = 1200
    wrong_tokens_per_peer_and_minute: int = 30
    storing_at_once: int = 8


class RequestContext:
    """One per process; its limits count for this process."""

    retry_seconds = 30

    def __init__(
        self, store: Store, settings: Settings, accept: Accept, limits: Limits, clock: Callable[[], datetime]
    ) -> None:
        self.store, self.settings, self.limits, self.clock = store, settings, limits, clock
        self._accept = accept
        self.threads = anyio.CapacityLimiter(limits.storing_at_once)
        self._by_peer = Pace(limits.forms_per_peer, timedelta(minutes=limits.peer_minutes))
        self._by_address = Pace(limits.forms_per_address, timedelta(minutes=limits.address_minutes))
        self._helped_by_peer = Pace(20, timedelta(hours=1))
        self.by_token = Pace(limits.posts_per_token_and_minute, timedelta(minutes=1))
        self.wrong_tokens = Pace(limits.wrong_tokens_per_peer_and_minute, timedelta(minutes=1))
        self._own: tuple[datetime, frozenset[str]] | None = None
        self._form_fields: tuple[datetime, FormFields] | None = None
        self._lock = threading.Lock()

    def accept(self, incoming: Incoming, key: str, now: datetime) -> int:
        """Stores it; returns the inbound id after the COMMIT. Raises KeyReused, Unavailable."""
        with self.reachable():
            return self._accept(self.store, incoming, key, now)

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Whatever the database or the disk cannot do now becomes Unavailable; other errors are bugs and rise."""
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError) as error:
            passing = is_unavailable(error) or is_disk_full(error) or isinstance(error, (sa.exc.TimeoutError, OSError))
            if not passing:
                raise
            log.warning("web_request_not_stored", error=type(error).__name__)
            raise Unavailable from error

    def came_from(self, request: Request) -> str:
        """The visitor's address; X-Forwarded-For counts only behind the proxies that the settings trust."""
        peer = request.client.host if request.client else ""
        trusted: tuple[str, ...] = getattr(self.settings, "trusted_proxies", ())
        return came_from(peer, request.headers.getlist("x-forwarded-for"), trusted)

    def form_wait(self, peer: str, address: str) -> float:
        """The seconds until this visitor, and anybody for this address, may send again; 0 counts this one."""
        now = self.clock()
        return self._by_peer.take(neighbourhood(peer), now) or self._by_address.take(victim(address), now)

    def help_wait(self, peer: str) -> float:
        """The seconds until this visitor's feedback on articles counts again."""
        return self._helped_by_peer.take(neighbourhood(peer), self.clock())

    def own_addresses(self) -> frozenset[str]:
        """The desk's mailboxes, read again twice a minute."""
        now = self.clock()
        with self._lock:
            cached = self._own
        if cached is None or now - cached[0] > _OWN_ADDRESSES_FOR:
            with self.reachable(), self.store.database.reading() as session:
                cached = now, frozenset(box.address for box in people.all_mailboxes(session))
            with self._lock:
                self._own = cached
        return cached[1]

    def form_fields(self) -> FormFields:
        """The custom fields and topics of the form, read again after a few seconds."""
        now = self.clock()
        with self._lock:
            cached = self._form_fields
        if cached is None or now - cached[0] > _FORM_FIELDS_FOR:
            with self.reachable(), self.store.database.reading() as session:
                cached = now, read_form_fields(session)
            with self._lock:
                self._form_fields = cached
        return cached[1]
