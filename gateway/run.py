"""The gateway process: runs the SMTP and LMTP servers, the IMAP pollers and the connections of chat channels.

No server listens before the mailboxes are known, because until then every recipient would be refused permanently.
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
from gateway.email.sandbox.pool import SandboxPool
from gateway.email.sandbox.process import SandboxUnavailable
from gateway.email.smtp.server import SmtpServer
from gateway.email.smtp.types import Outcome, RawMail, SmtpSettings
from gateway.pollers import ImapPollers
from gateway.slack import connection as slack
from storage.open_store import Store
from storage.runtime import heartbeats

STOP_SECONDS = 10.0
LOOK_SECONDS = 2.0
"""How soon a new mailbox gets mail, and a released mail is parsed again."""

CHECK_SECONDS = 60.0
"""How often a probe is read in the sandbox, so that `/readyz` knows whether its processes start."""

CHANNELS = (slack.connected,)
"""The chat channels: each takes requests within its context, if the settings have what it needs."""

Ready = Callable[[Mapping[str, str]], None]

log = structlog.get_logger()


def run(store: Store, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT; `ready` gets the addresses. Raises OSError where a server cannot listen."""
    # Objects made until now live as long as the process, and a mail leaves few behind: collections can be rare.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    asyncio.run(_serve(store, ready))


async def _serve(store: Store, ready: Ready) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    services = GatewayServices(store)
    if not await _await_mailboxes(services.directory, stop):
        return
    directory = services.directory
    hostname = store.settings.mail_domain or min(directory.domains, default="localhost")
    server = SmtpServer(smtp_settings(store.settings, hostname), services.commit, directory.accepts, directory.is_ours)
    with services.open():
        await server.start()
        try:
            with _channels(store):
                ready({name: places[0] for name, places in server.addresses.items() if places})
                await stop.wait()
        finally:
            await server.stop()


class GatewayServices:
    """What the servers of one gateway process share: the mailbox directory, the sandbox pool, the IMAP pollers, and a
    thread that keeps all of them up to date."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.directory = Directory(store)
        self._pollers = ImapPollers(store, self.commit)
        self._pool: SandboxPool | None = None
        self._domains: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._checked: float | None = None
        self._sandbox = ""

    @property
    def sandbox(self) -> SandboxPool:
        if self._pool is None:
            raise SandboxUnavailable("the gateway is not open")
        return self._pool

    def commit(self, mails: Sequence[RawMail]) -> Sequence[Outcome]:
        """Parses mails in the sandbox and stores them."""
        return intake.accept_mails(self.store, self.sandbox, mails)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Starts the sandbox, the pollers, and the thread that keeps them up to date."""
        self._renew_sandbox()
        self._pollers.keep(self.directory.mailboxes)
        thread = threading.Thread(target=self._keep, name="reception", daemon=True)
        thread.start()
        try:
            with heartbeats.send_heartbeats(self.store.database, heartbeats.GATEWAY, self._report):
                yield
        finally:
            self._stop.set()
            thread.join(STOP_SECONDS)
            self._pollers.stop()
            self.sandbox.close()

    def _report(self) -> Mapping[str, str]:
        """Whether mail can be parsed; checked less often than reported, because it occupies a sandbox worker.

        The first report checks nothing: a process that starts should not wait for its workers.
        """
        if self._checked is None:
            self._checked = -CHECK_SECONDS
        elif time.monotonic() - self._checked > CHECK_SECONDS or self._sandbox:
            self._sandbox, self._checked = self.sandbox.check(), time.monotonic()
            if self._sandbox:
                log.error("sandbox_failed", reason=self._sandbox)
        return {"sandbox": self._sandbox}

    def _keep(self) -> None:
        away = False
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._refresh()
                away = False
            except (sa.exc.SQLAlchemyError, OSError, SandboxUnavailable) as error:
                if not away:
                    log.warning("reception_not_refreshed", error=type(error).__name__)
                away = True
            except Exception:
                # A thread that ends would leave new mailboxes without mail and released mails unread.
                log.exception("reception_failed")

    def _refresh(self) -> None:
        self.directory.refresh()
        self._renew_sandbox()
        self._pollers.keep(self.directory.mailboxes)
        released = intake.release_asked(self.store, self.sandbox, datetime.now(UTC))
        if released:
            log.info("quarantine_released", count=released)

    def _renew_sandbox(self) -> None:
        """Sandbox workers get our domains when they start, so other domains need other workers."""
        if self._pool is not None and self._domains == self.directory.domains:
            return
        old, self._domains = self._pool, self.directory.domains
        self._pool = SandboxPool(self.store.settings.jail_size, own_domains=self._domains)
        if old is not None:
            old.close()


@contextlib.contextmanager
def _channels(store: Store) -> Iterator[None]:
    """The connections of all chat channels that are set up."""
    with contextlib.ExitStack() as stack:
        for connected in CHANNELS:
            stack.enter_context(connected(store))
        yield


def smtp_settings(settings: Settings, hostname: str) -> SmtpSettings:
    """The settings of the SMTP and LMTP servers."""
    return SmtpSettings(
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


async def _await_mailboxes(directory: Directory, stop: asyncio.Event) -> bool:
    """Wait until the mailboxes are known; False if the process is stopped before that."""
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
