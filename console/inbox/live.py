"""The stream of changes (server-sent events) that open pages listen to: the numbers of tickets that changed.

A page that reconnects names the last event that it was told of (Last-Event-ID) and hears what it missed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from time import monotonic

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from console.web.live_hub import LiveHub, Subscriber
from console.web.request_context import Desk, signed_in_visit
from desk.web.clean_input import whole_number

LONGEST = 600.0
"""Seconds after which a stream ends: the browser connects again, and the session is checked again."""
BEAT = 15.0
"""A comment goes out after so many seconds without a change, or proxies would close the connection."""
_STEP = 1.0
"""Seconds within which a stream notices that the server stops."""


def route(desk: Desk) -> BaseRoute:
    hub = LiveHub(desk.store.database)

    async def listen(request: Request) -> Response:
        if not await anyio.to_thread.run_sync(_is_signed_in, desk, request):
            return PlainTextResponse("Sign in first.", 403)
        given = request.headers.get("last-event-id") or request.query_params.get("after", "")
        page = await hub.subscribe(whole_number(given))
        # Whoever serves us otherwise than our own server could not stop an endless response.
        stream = _stream(hub, page, request.scope.get("frontdesk.stopping", lambda: True))
        # A proxy that collects the response would hold every message back.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    return Route("/tickets/live", listen)


def _is_signed_in(desk: Desk, request: Request) -> bool:
    with desk.store.database.reading() as session:
        return signed_in_visit(desk, request, session) is not None


async def _stream(hub: LiveHub, page: Subscriber, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    began = beat = monotonic()
    yield "retry: 2000\n\n"
    try:
        while not stopping() and monotonic() - began < LONGEST:
            if page.missed:
                yield "event: missed\ndata:\n\n"
                return
            change = await page.get(_STEP)
            if change:
                newest, tickets = change
                beat = monotonic()
                yield f"id: {newest}\nevent: changed\ndata: {','.join(map(str, tickets))}\n\n"
            elif monotonic() - beat > BEAT:
                beat = monotonic()
                yield ": still here\n\n"
    finally:
        hub.leave(page)
