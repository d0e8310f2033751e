"""The id of a request: from a trusted proxy or generated; in the response header and in every log entry.

The header of any other client is ignored, because it could write anything into the log.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from desk.web.client_ip import is_within

HEADER = b"x-request-id"
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def with_request_ids(app: ASGIApp, trusted: Sequence[str]) -> ASGIApp:
    """The app with an id for each request; `trusted` are the addresses and networks of our proxies."""

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request_id = _given(scope, trusted) or secrets.token_hex(8)

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != HEADER]
                message = {**message, "headers": [*others, (HEADER, request_id.encode())]}
            await send(message)

        with bound_contextvars(request_id=request_id):
            await app(scope, receive, answering)

    return identified


def _given(scope: Scope, trusted: Sequence[str]) -> str:
    """The id that a trusted proxy sent; empty if there is none, or if it is no plain word."""
    peer = scope["client"][0] if scope.get("client") else ""
    words = [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER]
    plain = len(words) == 1 and _PLAIN.fullmatch(words[0])
    return words[0] if plain and is_within(peer, trusted) else ""
