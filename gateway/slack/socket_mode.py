"""Slack by Socket Mode: we call Slack and keep the line open, so no address of ours has to be reachable.

In: envelopes. Out: an ack for those that are written down; the others stay unanswered, and Slack brings them again.
Lines that break are opened again, from the first moment on, for as long as it takes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.client import HTTPException

import structlog
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from desk.settings import Settings
from gateway.slack.door import dispatch, quiet_logger

log = structlog.get_logger()

PING_SECONDS = 5.0
BUFFER_BYTES = 65_536
"""The client reads a frame by recursion, one call per buffer: with its own 1 KB a large message would be an error."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class SocketMode:
    """One line to Slack. `start` returns at once; `connected` says whether Slack can reach us now."""

    def __init__(
        self, app: App, settings: Settings, ping_seconds: float = PING_SECONDS, first_pause: float = FIRST_PAUSE
    ) -> None:
        self._app = app
        self._pause = first_pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack-socket-mode", daemon=True)
        url = settings.slack_api_url.rstrip("/") + "/"
        self._client = SocketModeClient(
            settings.slack_app_token,
            logger=quiet_logger(),
            web_client=WebClient(base_url=url, timeout=10, retry_handlers=[], logger=quiet_logger()),
            ping_interval=ping_seconds,
            receive_buffer_size=BUFFER_BYTES,
            # One at a time keeps the order in which people wrote.
            concurrency=1,
        )
        self._client.socket_mode_request_listeners.append(self._take)

    def start(self) -> None:
        self._thread.start()

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        """What is being written down is finished; Slack brings everything else again."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(15)
        self._stop_reading()
        self._client.close()

    def _stop_reading(self) -> None:
        """Wake the client's reader, which would else sit out its three seconds of waiting before it can be closed."""
        self._client.auto_reconnect_enabled = False
        self._client.current_session_state.terminated = True
        session = self._client.current_session
        if session is not None and session.sock is not None:
            # The far end may have closed it a moment ago.
            with contextlib.suppress(OSError):
                session.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        """The first line; once it stood, the client itself renews it."""
        pause = self._pause
        while not self._stopping.is_set():
            try:
                self._client.connect()
            except (SlackClientError, HTTPException, OSError, ValueError) as error:
                log.error("slack_socket_not_connected", error=_reason(error))
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                log.info("slack_socket_connected", at_once=self.connected)
                return

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        begun = time.monotonic()
        response = dispatch(self._app, request.payload, "socket_mode")
        if response.status != 200:
            log.warning("slack_envelope_not_acked", envelope_id=request.envelope_id, status=response.status)
            return
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        log.debug("slack_envelope_acked", envelope_id=request.envelope_id, seconds=time.monotonic() - begun)


def _reason(error: Exception) -> str:
    if isinstance(error, SlackApiError) and not isinstance(error.response, str):
        return str(error.response.get("error", "SlackApiError"))
    return type(error).__name__
