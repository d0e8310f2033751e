"""Waiting for mail: by IDLE (RFC 2177) where the server has it, else by letting the time pass; never longer than told.

In: an IMAPClient with a folder selected, and seconds. Out: nothing but the end of the wait. Because each wait ends
and is followed by a real look, an IDLE that went silent costs one interval and never a mail.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

_NEWS = (b"EXISTS", b"RECENT")
log = structlog.get_logger()


class Waiting:
    """How one connection waits. `pause(seconds)` sleeps for that long at most, and raises if the work has to stop."""

    def __init__(self, client: Any, pause: Callable[[float], None], slice_seconds: float) -> None:
        self._client = client
        self._pause = pause
        self._slice = slice_seconds
        self._idles = bool(client.has_capability("IDLE"))

    def until_news(self, seconds: float, *, may_idle: bool) -> None:
        """Wait until the server tells of a mail, or the time is up."""
        until = time.monotonic() + seconds
        if not (self._idles and may_idle and self._begin()):
            while (left := until - time.monotonic()) > 0:
                self._pause(min(left, self._slice))
            return
        while (left := until - time.monotonic()) > 0 and not self._heard(min(left, self._slice)):
            self._pause(0)
        self._client.idle_done()

    def _begin(self) -> bool:
        """False if the server refuses what it offered: then this connection looks by the clock."""
        try:
            self._client.idle()
        except IMAPClientError as error:
            if isinstance(error, IMAPClient.AbortError):
                raise
            log.info("imap_idle_refused")
            self._idles = False
        return self._idles

    def _heard(self, seconds: float) -> bool:
        began = time.monotonic()
        answers = self._client.idle_check(timeout=seconds)
        if any(word in _NEWS for answer in answers for word in answer):
            return True
        # Readable and yet nothing to read is a connection that has ended: stop listening, so that it shows.
        return not answers and time.monotonic() - began < seconds / 2
