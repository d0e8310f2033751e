"""Slack by signed HTTP: one path for events, interactions and the URL verification.

The answer is 401 unless Slack signed the body within five minutes, 400 if it cannot be read, 413 if it is too large.
Nothing is parsed before the signature is checked, and nothing runs in the server's event loop: Bolt's own adapter
reads bodies of any size, parses before it checks, and keeps all other requests waiting until the listener has ended.
"""

from __future__ import annotations

import structlog
from slack_bolt import App
from slack_sdk.signature import SignatureVerifier
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.slack.events import dispatch

log = structlog.get_logger()

PATH = "/slack/events"
MOST_BYTES = 2_000_000


def routes(app: App, signing_secret: str) -> list[Route]:
    """The route of this mode; none without a signing secret, because then nothing could be proved."""
    if not signing_secret.strip():
        return []
    verifier = SignatureVerifier(signing_secret)

    async def receive(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        if not _is_genuine(verifier, request, body):
            log.warning("slack_signature_refused")
            return Response(status_code=401)
        return await run_in_threadpool(_answer, app, body.decode(), request.headers.get("content-type", ""))

    return [Route(PATH, receive, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The whole body; None if it is longer than anything that Slack sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _is_genuine(verifier: SignatureVerifier, request: Request, body: bytes) -> bool:
    """The verifier raises where the time is no number, the signature not ASCII or the body not UTF-8."""
    timestamp, signature = (request.headers.get(f"x-slack-{name}") for name in ("request-timestamp", "signature"))
    try:
        return verifier.is_valid(body, timestamp, signature)
    except (ValueError, TypeError):
        return False


def _answer(app: App, text: str, content_type: str) -> Response:
    response = dispatch(app, text, "http", content_type)
    kind = response.first_headers().get("content-type", "text/plain")
    return Response(response.body, response.status, media_type=kind)
