"""An HTTP connection with deadlines for the head of a request, for its body, and for a client that does not read.

It extends Uvicorn's h11 protocol, which waits without end for a head or a body; this one answers 408 and closes.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.web.connection_limit import ConnectionLimit

HEAD_SECONDS = 10.0
BODY_SECONDS = 120.0
STALLED_SECONDS = 5.0
"""A body of which nothing came for so long makes place for others when places are short."""
UNREAD_SECONDS = 60.0
_SLOW = b"The request took too long.\n"
_FULL = b"Too many connections. Try again in a moment.\n"

log = structlog.get_logger()


class Phase(Enum):
    """The phase of a connection."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    IDLE = auto()


_DEADLINES = {Phase.HEAD: HEAD_SECONDS, Phase.BODY: BODY_SECONDS}


class LimitedProtocol(H11Protocol):
    """Uvicorn's connection with deadlines, counted by a `ConnectionLimit`."""

    def __init__(self, places: ConnectionLimit, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._places = places
        self._phase = Phase.HEAD
        self._timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._last_data = self.loop.time()
        self._refused = False
        self.address = ""

    @property
    def waits_since(self) -> float | None:
        """Since when the connection waits for its client; None while a request is being answered."""
        stalled = self.loop.time() - self._last_data > STALLED_SECONDS
        waits = self._phase in (Phase.HEAD, Phase.IDLE) or (self._phase is Phase.BODY and stalled)
        return self._last_data if waits else None

    def evict(self) -> None:
        """Closes the connection in favour of a new one."""
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if not self._places.take(self):
            log.warning("http_connection_refused")
            self._close_with(b"503 Service Unavailable", _FULL, b"Retry-After: 5\r\n")
            return
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        for timer in (self._timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._last_data = self.loop.time()
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_phase()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()

    def _note_phase(self) -> None:
        phase = self._phase_now()
        if phase is not self._phase:
            self._phase = phase
            self._set_timer()

    def _phase_now(self) -> Phase:
        match self.conn.their_state:
            case h11.IDLE:
                return Phase.HEAD if self.cycle is None or self.conn.trailing_data[0] else Phase.IDLE
            case h11.SEND_BODY:
                return Phase.BODY
            case _:
                return Phase.ANSWER

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        seconds = _DEADLINES.get(self._phase)
        self._timer = self.loop.call_later(seconds, self._late) if seconds else None

    def _late(self) -> None:
        """The client missed a deadline in the middle of a request."""
        if self.transport.is_closing():
            return
        log.info("http_request_timed_out", phase=self._phase.name.lower())
        answered = self._phase is Phase.BODY and self.cycle is not None and self.cycle.response_started
        if answered:
            self.transport.close()
        else:
            self._close_with(b"408 Request Timeout", _SLOW)
        if self._phase is Phase.BODY and self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _close_with(self, status: bytes, words: bytes, more: bytes = b"") -> None:
        self._refused = True
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n%b\r\n"
        self.transport.write(head % (status, len(words), more) + words)
        self.transport.close()
