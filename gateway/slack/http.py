"""Slack by signed HTTP: one path for events, interactions and the URL verification.

The answer is 401 unless Slack signed the body within five minutes, 400 if it cannot be read, 413 if it is too large.
Nothing is parsed before the signature is checked.
"""

from __future__ import annotations

import structlog
from slack_bolt import App
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.slack.events import Clock, dispatch
from gateway.slack.signature import is_genuine

log = structlog.get_logger()

PATH = "/slack/events"
MOST_BYTES = 2_000_000


def routes(app: App, signing_secret: str, clock: Clock) -> list[Route]:
    """The route of this mode; none without a signing secret, because then nothing could be proved."""
    if not signing_secret:
        return []

    async def receive(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not is_genuine(signing_secret, timestamp, signature, body, clock()):
            log.warning("slack_signature_refused")
            return Response(status_code=401)
        return await run_in_threadpool(_answer, app, body, request.headers.get("content-type", ""))

    return [Route(PATH, receive, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The whole body; None if it is longer than anything that Slack sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _answer(app: App, body: bytes, content_type: str) -> Response:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Response(status_code=400)
    response = dispatch(app, text, "http", content_type)
    kind = response.first_headers().get("content-type", "text/plain")
    return Response(response.body, response.status, media_type=kind)
