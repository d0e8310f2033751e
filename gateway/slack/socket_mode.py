"""Slack by Socket Mode: a connection that we open to Slack and keep open, so that no address of ours must be reachable.

An envelope is acknowledged once it is stored; Slack sends the others again. A broken connection is opened again, for as
long as it takes.
"""

from __future__ import annotations

import json
import threading
import time

import structlog
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from desk.config.settings import Settings
from gateway.slack.events import dispatch, quiet_logger
from gateway.slack.socket_connection import FIRST_PAUSE, SocketClient

log = structlog.get_logger()

PING_SECONDS = 5.0
_LOOK_SECONDS = 0.1


class SocketMode:
    """One line to Slack. `start` returns at once; `connected` says whether Slack can reach us now."""

    def __init__(
        self, app: App, settings: Settings, ping_seconds: float = PING_SECONDS, first_pause: float = FIRST_PAUSE
    ) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack-socket-mode", daemon=True)
        url = settings.slack_api_url.rstrip("/") + "/"
        web = WebClient(base_url=url, timeout=10, retry_handlers=[], logger=quiet_logger())
        self._client = SocketClient(settings.slack_app_token, web, ping_seconds, first_pause)
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
        self._client.close()

    def _connect(self) -> None:
        """The first line; from then on the client watches it and opens the next ones itself."""
        while not self._client.current_app_monitor_started:
            self._client.connect_to_new_endpoint()
            if self._stopping.wait(_LOOK_SECONDS):
                return

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        begun = time.monotonic()
        response = dispatch(self._app, request.payload, "socket_mode")
        if response.status != 200:
            log.warning("slack_envelope_not_acked", envelope_id=request.envelope_id, status=response.status)
            return
        payload = json.loads(response.body) if response.body else None
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))
        log.debug("slack_envelope_acked", envelope_id=request.envelope_id, seconds=time.monotonic() - begun)
