"""Slack's Socket Mode client with a WebSocket reader of our own.

slack_sdk reads frames by recursion, one call deeper per frame or buffer: a few hundred messages in a row end in a
RecursionError, and a pause within a frame loses what was read before it and spoils all that follows. This reader is a
loop. Everything else (handshake, proxy, TLS, acks, reconnecting) stays the library's.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from dataclasses import dataclass, field
from http.client import HTTPException

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.builtin.connection import Connection, ConnectionState

from gateway.slack.events import quiet_logger

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
BUFFER_BYTES = 65_536
MOST_BYTES = 16_000_000
_CONTINUED, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA


class BadFrame(ValueError):
    """What came is no WebSocket frame, or one that is larger than anything that Slack sends."""


@dataclass(slots=True)
class Frames:
    """Bytes in, as they come; whole messages out, as (opcode, payload). RFC 6455 section 5; servers do not mask."""

    _held: bytearray = field(default_factory=bytearray)
    _parts: bytearray = field(default_factory=bytearray)
    _opcode: int = _CONTINUED

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that are whole with these bytes. Raises BadFrame; then the line is of no use any more."""
        self._held += data
        whole: list[tuple[int, bytes]] = []
        start = 0
        while (frame := self._frame(start)) is not None:
            first, begin, end = frame
            message = self._joined(first, bytes(self._held[begin:end]))
            whole += [message] if message is not None else []
            start = end
        del self._held[:start]
        return whole

    def _frame(self, start: int) -> tuple[int, int, int] | None:
        """First byte, begin and end of the payload of the frame at `start`; None while it is not whole."""
        held = len(self._held) - start
        if held < 2:
            return None
        first, size = self._held[start], self._held[start + 1]
        if size & 0x80:
            raise BadFrame("a server must not mask")
        head = {126: 4, 127: 10}.get(size, 2)
        if held < head:
            return None
        if head > 2:
            (size,) = struct.unpack_from("!H" if head == 4 else "!Q", self._held, start + 2)
        if size + len(self._parts) > MOST_BYTES:
            raise BadFrame("too large")
        begin = start + head
        return (first, begin, begin + size) if held >= head + size else None

    def _joined(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        """A control frame stands alone, even between the parts of a message (section 5.4)."""
        opcode = first & 0x0F
        if opcode >= _CLOSE:
            return opcode, payload
        self._opcode = opcode or self._opcode
        self._parts += payload
        if not first & 0x80:
            return None
        message = self._opcode, bytes(self._parts)
        self._parts.clear()
        return message


class SocketConnection(Connection):
    """One connection of the library's, read by a loop."""

    def run_until_completion(self, state: ConnectionState) -> None:
        """Read until the line ends or `state` says so; the client then opens another one."""
        frames, fresh = Frames(), True
        while not state.terminated and self.sock is not None:
            try:
                data = self._received()
                if data is None:
                    continue
                if not data:
                    break
                # The library's handshake leaves the last line feed of the HTTP answer unread.
                for opcode, payload in frames.feed(data.removeprefix(b"\n") if fresh else data):
                    self._handle_frame(opcode, payload, state)
                fresh = False
            except (OSError, BadFrame, UnicodeDecodeError) as error:
                log.warning("slack_line_broke", error=type(error).__name__)
                break
        self.disconnect()

    def disconnect(self) -> None:
        """End the line at once: the shutdown wakes the reader, which else sits out its timeout.

        Reader and watcher may do so at the same moment, which the library's own way does not bear.
        """
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with self.sock_send_lock, self.sock_receive_lock:
            sock, self.sock = self.sock, None
            if sock is not None:
                sock.close()

    def _received(self) -> bytes | None:
        """Bytes; empty at the end of the line; None if nothing came for a while."""
        with self.sock_receive_lock:
            if self.sock is None:
                return b""
            try:
                return self.sock.recv(BUFFER_BYTES)
            except TimeoutError:
                return None

    def _handle_frame(self, opcode: int, payload: bytes, state: ConnectionState) -> None:
        if opcode == _TEXT and self.on_message_listener is not None:
            self.on_message_listener(payload.decode())
        elif opcode == _PING:
            self.pong(payload)
        elif opcode == _PONG:
            self._handle_pong(payload)
        elif opcode == _CLOSE:
            state.terminated = True

    def _handle_pong(self, payload: bytes) -> None:
        """The library pings with "session:time", and calls a line stale whose last such time is long ago."""
        session, _, moment = payload.decode("ascii", "replace").partition(":")
        if session == self.session_id:
            with contextlib.suppress(ValueError):
                self.last_ping_pong_time = float(moment)


class SocketClient(SocketModeClient):
    """The library's client on our lines, patient with a Slack that is away."""

    def __init__(self, app_token: str, web_client: WebClient, ping_seconds: float, first_pause: float) -> None:
        self._first_pause = self._pause = first_pause
        self._next_try = 0.0
        super().__init__(
            app_token,
            logger=quiet_logger(),
            web_client=web_client,
            ping_interval=ping_seconds,
            # One at a time keeps the order in which people wrote.
            concurrency=1,
        )

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Another line, unless the last try was a moment ago: Slack counts how often it is asked for one."""
        if time.monotonic() < self._next_try:
            return
        why = "no line"
        try:
            super().connect_to_new_endpoint(force)
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            why = _reason(error)
        if self.is_connected():
            self._pause = self._first_pause
            log.info("slack_line_opened")
            return
        self._next_try = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        log.error("slack_line_not_opened", error=why)

    def connect(self) -> None:
        if self.wss_uri is None:
            self.wss_uri = self.issue_new_wss_url()
        old, old_state = self.current_session, self.current_session_state
        session = SocketConnection(
            url=self.wss_uri,
            logger=self.logger,
            ping_interval=self.ping_interval,
            proxy=self.proxy,
            proxy_headers=self.proxy_headers,
            on_message_listener=self._on_message,
            on_error_listener=self._on_error,
            on_close_listener=self._on_close,
            ssl_context=self.web_client.ssl,
        )
        session.connect()
        old_state.terminated = True
        if old is not None:
            old.close()
        self.current_session, self.current_session_state = session, ConnectionState()  # type: ignore[no-untyped-call]
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled
        if not self.current_app_monitor_started:
            self.current_app_monitor_started = True
            self.current_app_monitor.start()


def _reason(error: Exception) -> str:
    if isinstance(error, SlackApiError) and not isinstance(error.response, str):
        return str(error.response.get("error", "SlackApiError"))
    return type(error).__name__
