"""Middleware of every web application: refuses malformed requests and removes NUL from queries.

A path that is too long or holds NUL gets 400 or 414 before a page reads it. Bodies are cleaned where they are read
(`desk/web/clean_input.py`). A client that disconnects while it sends its body is not logged as an error.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_PATH = 2_000
_TOO_LONG = PlainTextResponse("This address is too long for any page of ours.\n", 414)
_UNREADABLE = PlainTextResponse("This address holds a character that no page of ours has.\n", 400)


def with_clean_requests(app: ASGIApp) -> ASGIApp:
    """The application behind these checks."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        try:
            await _chosen(app, scope)(scope, receive, send)
        except ClientDisconnect:
            return None

    return answer


def _chosen(app: ASGIApp, scope: Scope) -> ASGIApp:
    if len(scope["path"]) > LONGEST_PATH:
        return _TOO_LONG
    if "\0" in scope["path"] or not scope["path"].isprintable():
        return _UNREADABLE
    scope["query_string"] = scope["query_string"].replace(b"%00", b"").replace(b"\0", b"")
    return app
