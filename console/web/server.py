"""The web server of one process: Uvicorn on one address, with connection limits and a graceful stop.

It installs no signal handlers; those belong to the process that runs it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from console.web.clean_requests import with_clean_requests
from console.web.connection_limit import ConnectionLimit
from console.web.http_protocol import LimitedProtocol
from console.web.request_id import with_request_ids

GRACE_SECONDS = 8
"""An open event stream would otherwise keep the server for ever."""
_BACKLOG = 1024

log = structlog.get_logger()


class WebServer:
    """One listening address and its server."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, places: ConnectionLimit | None = None, trusted: Sequence[str] = ()
    ) -> None:
        """Raises OSError with the address where it cannot listen. `trusted` are our proxies."""
        self._socket = _listening(host, port)
        protocol: Any = partial(LimitedProtocol, places or ConnectionLimit())
        config = uvicorn.Config(
            self._told_when_stopping(with_request_ids(with_clean_requests(app), trusted)),
            http=protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            loop="asyncio",
            ws="none",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _QuietServer(config)

    @property
    def address(self) -> str:
        """The address on which it listens, as HOST:PORT."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def run(self) -> None:
        """Serves until `stop`."""
        log.info("pages_opened", address=self.address)
        self._server.run(sockets=[self._socket])
        log.info("pages_closed")

    def stop(self) -> None:
        """Accepts no more requests and lets running ones end; callable from any thread and signal handler."""
        self._server.should_exit = True

    def _told_when_stopping(self, app: ASGIApp) -> ASGIApp:
        """The app; a response that has no end asks `frontdesk.stopping` of its scope whether to end."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            scope["frontdesk.stopping"] = lambda: self._server.should_exit
            await app(scope, receive, send)

        return serve

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Serves in a thread for the duration of the block."""
        thread = threading.Thread(target=self.run, name="pages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(GRACE_SECONDS + 2)


class _QuietServer(uvicorn.Server):
    """Uvicorn would install its own signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
