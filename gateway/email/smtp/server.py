"""The SMTP and LMTP server: opens the sockets, runs a session for each connection, and stops without losing a mail.

Mails go to `commit`, which stores a batch of them durably and returns an outcome for each; it runs in a thread.
`accepts` says whether an address is a mailbox of the desk, `is_ours` whether a domain is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.email.smtp.certificate import Certificate
from gateway.email.smtp.commands import Terms
from gateway.email.smtp.handoff import Handoff
from gateway.email.smtp.limits import Limits, MemoryBudget
from gateway.email.smtp.session import LmtpSession, Session
from gateway.email.smtp.types import Outcome, RawMail, SmtpSettings
from gateway.group_commit import GroupCommit, GroupLimits

_BACKLOG = 1024
_UNIX_PREFIX = "unix:"

log = structlog.get_logger()


class SmtpServer:
    """All listening sockets of one process; they share limits and one group commit."""

    def __init__(
        self,
        settings: SmtpSettings,
        commit: Callable[[Sequence[RawMail]], Sequence[Outcome]],
        accepts: Callable[[str], bool],
        is_ours: Callable[[str], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._commit = commit
        self._group: GroupCommit[RawMail, Outcome] | None = None
        limits = Limits(
            settings.most_connections,
            settings.most_connections_per_address,
            settings.mails_a_minute,
            settings.exempt,
            clock,
        )
        terms = Terms(settings, accepts, is_ours, limits)
        self._certificate = Certificate(settings.certificate, settings.key) if settings.certificate else None
        tls = self._certificate.context if self._certificate else None
        self._handoff = Handoff(terms, self._store, MemoryBudget(settings.receiving_bytes), now, tls)
        self._servers: list[tuple[str, asyncio.Server]] = []

    async def start(self) -> None:
        """Listen everywhere or raise OSError, naming the place."""
        self._group = GroupCommit(
            self._commit,
            GroupLimits(
                most=self._settings.most_in_a_commit,
                most_waiting=self._settings.receiving_bytes,
                most_in_batch=self._settings.receiving_bytes // 3,
            ),
            size=lambda mail: len(mail.raw),
        )
        try:
            for place in self._settings.smtp:
                self._servers.append(("smtp", await self._listen(place, Session)))
            for place in self._settings.lmtp:
                self._servers.append(("lmtp", await self._listen(place, LmtpSession)))
        except OSError:
            await self.stop()
            raise
        log.info("smtp_server_started", **{name: list(places) for name, places in self.addresses.items()})

    async def stop(self) -> None:
        """Accepts no connection any more, answers the mails being received, then closes."""
        for _, server in self._servers:
            server.close()
        for session in list(self._handoff.sessions):
            session.retire()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.stop_seconds
        while self._handoff.sessions and loop.time() < until:
            await asyncio.sleep(0.02)
        for session in list(self._handoff.sessions):
            session.abort()
        if self._group is not None:
            await loop.run_in_executor(None, self._group.close)
        self._remove_sockets()
        log.info("smtp_server_stopped", cut=len(self._handoff.sessions))
        self._servers.clear()

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The addresses that it listens on: {"smtp": ("127.0.0.1:2525",), "lmtp": ("unix:/run/desk.sock",)}."""
        found: dict[str, tuple[str, ...]] = {"smtp": (), "lmtp": ()}
        for protocol, server in self._servers:
            found[protocol] += tuple(_name(sock.getsockname()) for sock in server.sockets)
        return found

    @property
    def connections(self) -> int:
        """How many are connected now."""
        return len(self._handoff.sessions)

    async def _store(self, mail: RawMail) -> Outcome:
        assert self._group is not None
        return await self._group.answer(mail, self._settings.answer_seconds)

    async def _listen(self, place: str, session: type[Session]) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def new_session() -> Session:
            if self._certificate is not None:
                self._certificate.refresh()
            return session(self._handoff, loop)

        try:
            if place.startswith(_UNIX_PREFIX):
                path = Path(place.removeprefix(_UNIX_PREFIX))
                server = await loop.create_unix_server(new_session, path, backlog=_BACKLOG)
                # The folder says who may come: the MTA and we seldom run as the same user.
                path.chmod(0o666)
                return server
            host, port = _host_and_port(place)
            return await loop.create_server(new_session, host, port, backlog=_BACKLOG)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error

    def _remove_sockets(self) -> None:
        for place in (*self._settings.smtp, *self._settings.lmtp):
            if place.startswith(_UNIX_PREFIX):
                Path(place.removeprefix(_UNIX_PREFIX)).unlink(missing_ok=True)


def _host_and_port(place: str) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"not host:port or unix:/path: {place}")
    return host.strip("[]"), int(port)


def _name(address: object) -> str:
    if isinstance(address, tuple):
        host, port = address[0], address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{_UNIX_PREFIX}{address}"
