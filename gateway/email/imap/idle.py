"""Waits for new mail: by IDLE (RFC 2177) where the server offers it, else by polling; never longer than asked.

Each wait ends and is followed by a search, so an IDLE that went silent costs one interval and never a mail.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import structlog
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from storage.runtime.guarded_connection import Guard

_NEWS = (b"EXISTS", b"RECENT")
log = structlog.get_logger()


class Client(IMAPClient):  # type: ignore[misc]  # IMAPClient has no types
    """IMAPClient that reads once after IDLE without polling the socket.

    A mail that comes just before IDLE is sent in one packet with the answer to it; it then lies in a buffer, and the
    socket, which is all that IMAPClient asks, has nothing more to say.
    """

    _unread = False

    def idle(self) -> None:
        super().idle()
        self._unread = True

    def _poll_socket(self, sock: Any, timeout: float | None = None) -> Any:
        return self._first_look() or super()._poll_socket(sock, timeout)

    def _select_poll_socket(self, sock: Any, timeout: float | None = None) -> Any:
        return self._first_look() or super()._select_poll_socket(sock, timeout)

    def _first_look(self) -> bool:
        first, self._unread = self._unread, False
        return first


class GuardedClient(Client):
    """A client whose connection goes through the guard: only to an address that was checked."""

    def __init__(self, guard: Guard, host: str, port: int, **options: Any) -> None:
        self._guard = guard
        super().__init__(host, port, **options)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - IMAPClient's own name
        return _GuardedStream(self._guard, self.host, self.port, self.ssl_context if self.ssl else None, self._timeout)


class _GuardedStream(imaplib.IMAP4):
    """The standard library's IMAP over a socket that the guard opened; TLS is checked against the host's name."""

    def __init__(
        self, guard: Guard, host: str, port: int, context: ssl.SSLContext | None, timeout: SocketTimeout
    ) -> None:
        self._guard, self._context, self._seconds = guard, context, timeout.connect
        super().__init__(host, port)

    def _create_socket(self, _timeout: float | None = None) -> socket.socket:
        opened = self._guard.connect(self.host, self.port, self._seconds)
        return self._context.wrap_socket(opened, server_hostname=self.host) if self._context else opened


class IdleWait:
    """How one connection waits. `pause(seconds)` sleeps for that long at most, and raises if the work has to stop."""

    def __init__(self, client: Any, pause: Callable[[float], None], slice_seconds: float) -> None:
        self._client = client
        self._pause = pause
        self._slice = slice_seconds
        self._idles = bool(client.has_capability("IDLE"))

    def until_news(self, seconds: float, *, may_idle: bool) -> None:
        """Waits until the server announces a mail, or the time is up."""
        until = time.monotonic() + seconds
        if not (self._idles and may_idle and self._begin()):
            while (left := until - time.monotonic()) > 0:
                self._pause(min(left, self._slice))
            return
        has_news = _announces_mail(self._client.idle_check(timeout=0))
        while not has_news and (left := until - time.monotonic()) > 0:
            has_news = self._has_news(min(left, self._slice))
            self._pause(0)
        self._client.idle_done()

    def _begin(self) -> bool:
        """False if the server refuses what it offered: then this connection polls."""
        try:
            self._client.idle()
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            log.info("imap_idle_refused")
            self._idles = False
        return self._idles

    def _has_news(self, seconds: float) -> bool:
        began = time.monotonic()
        answers = self._client.idle_check(timeout=seconds)
        if _announces_mail(answers):
            return True
        # Readable and yet nothing to read is a connection that has ended: stop listening, so that it shows.
        return not answers and time.monotonic() - began < seconds / 2


def _announces_mail(answers: Any) -> bool:
    return any(word in _NEWS for answer in answers for word in answer)
