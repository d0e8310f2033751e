"""The gateway process: opens every door that the settings name, and closes them without losing what is on its way.

In: the record. Out: requests, written down. It refuses to know what they say. No door opens before the mailboxes are
known, because until then every recipient would be refused for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import structlog

from desk.config.settings import Settings, host_and_port
from gateway import intake
from gateway.directory import Directory
from gateway.email.sandbox.pool import Jail
from gateway.email.sandbox.process import JailUnavailable
from gateway.email.smtp.server import MailDoor
from gateway.email.smtp.types import DoorSettings, Outcome, RawMail
from gateway.pollers import Keepers
from storage.open_store import Store
from storage.runtime import heartbeats

STOP_SECONDS = 10.0
LOOK_SECONDS = 2.0
"""How soon a new mailbox gets mail, and a released one is read again."""

CHECK_SECONDS = 60.0
"""How often a probe is read in the sandbox, so that `/readyz` knows whether its processes start."""

Ready = Callable[[Mapping[str, str]], None]

log = structlog.get_logger()


def run(store: Store, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT; `ready` hears where the doors are. Raises OSError where one cannot be opened."""
    # What stands now stands for ever, and a mail leaves little behind: the collector need not look at every thousand.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    asyncio.run(_serve(store, ready))


async def _serve(store: Store, ready: Ready) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reception = Reception(store)
    if not await _known(reception.directory, stop):
        return
    directory = reception.directory
    hostname = store.settings.mail_domain or min(directory.domains, default="localhost")
    door = MailDoor(door_settings(store.settings, hostname), reception.commit, directory.accepts, directory.is_ours)
    with reception.open():
        await door.start()
        try:
            with _slack(store):
                ready({name: places[0] for name, places in door.addresses.items() if places})
                await stop.wait()
        finally:
            await door.stop()


class Reception:
    """What the doors of one process share: the directory, the jail, the mailboxes that are fetched, and a thread that
    keeps all of them true."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.directory = Directory(store)
        self._keepers = Keepers(store, self.commit)
        self._jail: Jail | None = None
        self._domains: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._checked: float | None = None
        self._sandbox = ""

    @property
    def jail(self) -> Jail:
        if self._jail is None:
            raise JailUnavailable("the gateway is not open")
        return self._jail

    def commit(self, mails: Sequence[RawMail]) -> Sequence[Outcome]:
        """Read mails in the jail and write them down."""
        return intake.accept_mails(self.store, self.jail, mails)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """The jail for the domains that are known now, the keepers, and the thread that looks after them."""
        self._renew_jail()
        self._keepers.keep(self.directory.mailboxes)
        keeper = threading.Thread(target=self._keep, name="reception", daemon=True)
        keeper.start()
        try:
            with heartbeats.send_heartbeats(self.store.database, heartbeats.GATEWAY, self._report):
                yield
        finally:
            self._stop.set()
            keeper.join(STOP_SECONDS)
            self._keepers.stop()
            self.jail.close()

    def _report(self) -> Mapping[str, str]:
        """Whether mail can be read; looked at less often than it is said, because it takes a child from the others.

        The first time nothing is looked at: a process that starts should not wait for its children.
        """
        if self._checked is None:
            self._checked = -CHECK_SECONDS
        elif time.monotonic() - self._checked > CHECK_SECONDS or self._sandbox:
            self._sandbox, self._checked = self.jail.check(), time.monotonic()
            if self._sandbox:
                log.error("sandbox_failed", reason=self._sandbox)
        return {"sandbox": self._sandbox}

    def _keep(self) -> None:
        away = False
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._look()
                away = False
            except (sa.exc.SQLAlchemyError, OSError, JailUnavailable) as error:
                if not away:
                    log.warning("reception_not_refreshed", error=type(error).__name__)
                away = True
            except Exception:
                # A thread that ends would leave new mailboxes without mail and released mails unread.
                log.exception("reception_failed")

    def _look(self) -> None:
        self.directory.refresh()
        self._renew_jail()
        self._keepers.keep(self.directory.mailboxes)
        released = intake.release_asked(self.store, self.jail, datetime.now(UTC))
        if released:
            log.info("quarantine_released", count=released)

    def _renew_jail(self) -> None:
        """The children know our domains from their start, so other domains need other children."""
        if self._jail is not None and self._domains == self.directory.domains:
            return
        old, self._domains = self._jail, self.directory.domains
        self._jail = Jail(self.store.settings.jail_size, own_domains=self._domains)
        if old is not None:
            old.close()


@contextlib.contextmanager
def _slack(store: Store) -> Iterator[None]:
    """Slack's Socket Mode, if the settings have its two tokens."""
    if not (store.settings.slack_bot_token and store.settings.slack_app_token):
        yield
        return
    # Slack's packages cost 20 MB, so they are imported where they are used.
    from gateway.slack.events import bolt_app
    from gateway.slack.socket_mode import SocketMode

    line = SocketMode(bolt_app(store, store.settings, lambda: datetime.now(UTC)), store.settings)
    line.start()
    try:
        yield
    finally:
        line.close()


def door_settings(settings: Settings, hostname: str) -> DoorSettings:
    """The mail doors as the process's settings describe them."""
    return DoorSettings(
        hostname=hostname,
        smtp=(_place("FRONTDESK_SMTP", settings.smtp),) if settings.smtp else (),
        lmtp=(_place("FRONTDESK_LMTP", settings.lmtp),) if settings.lmtp else (),
        certificate=Path(settings.tls_cert) if settings.tls_cert else None,
        key=Path(settings.tls_key) if settings.tls_key else None,
        most_bytes=settings.max_message_bytes,
        most_connections=settings.smtp_connections,
        most_connections_per_address=settings.smtp_connections_per_address,
        mails_a_minute=settings.smtp_mails_per_minute,
        exempt=settings.trusted_relays,
    )


def _place(name: str, text: str) -> str:
    if text.startswith("/"):
        return f"unix:{text}"
    host, port = host_and_port(name, text)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _known(directory: Directory, stop: asyncio.Event) -> bool:
    """Wait until the mailboxes are known; False if the process shall stop before that."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            await loop.run_in_executor(None, directory.refresh)
            return True
        except sa.exc.SQLAlchemyError as error:
            log.warning("database_awaited", error=type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    return False
