"""The endpoints of the portal: how a page is read, how a form is posted, and the page that explains a refusal.

A page reads in one transaction; a posted form opens its own. What was typed is shown again on the page of the refusal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response

from desk.portal import status_links
from gateway.web import body
from gateway.web.body import BadBody, Posted
from gateway.web.portal import view
from gateway.web.portal.access import Portal, PortalRefused
from gateway.web.request_context import Unavailable
from storage.db.session import Session

Show = Callable[[Portal, Session, Request], Response]
Act = Callable[[Portal, Request, Posted], Response]
LONGEST = 100_000
_READ_MORE = 4
_ASK_AGAIN = ("expired", "void", "left", "wrong", "gone")
"""After these a new link is offered."""


def reading_endpoint(portal: Portal, show: Show) -> Callable[[Request], Response]:
    """An endpoint that reads, and changes nothing."""

    def endpoint(request: Request) -> Response:
        try:
            with portal.context.reachable(), portal.store.database.reading() as session:
                return show(portal, session, request)
        except PortalRefused as error:
            return refusal_page(portal, request, error)
        except Unavailable:
            return refusal_page(portal, request, PortalRefused(503, "down", portal.context.retry_seconds))

    return endpoint


def posting_endpoint(
    portal: Portal, act: Act, most_files: int = 0
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An endpoint that takes a posted form, from our own pages only."""
    # A body somewhat too large is read whole, so that the text in it is not lost.
    most = portal.context.limits.bytes * _READ_MORE if most_files else body.MEGABYTE

    def perform(request: Request, posted: Posted) -> Response:
        try:
            _check_size(portal, posted)
            return act(portal, request, posted)
        except PortalRefused as error:
            return refusal_page(portal, request, error, posted)
        except Unavailable:
            return refusal_page(
                portal, request, PortalRefused(503, "down", portal.context.retry_seconds, again=True), posted
            )

    async def endpoint(request: Request) -> Response:
        early = _before_reading(portal, request)
        if early is not None:
            return refusal_page(portal, request, early)
        try:
            posted = await body.form(request, most, most_files * _READ_MORE)
        except BadBody as error:
            return refusal_page(portal, request, PortalRefused(error.status, error.problem))
        try:
            return await anyio.to_thread.run_sync(perform, request, posted, limiter=portal.context.threads)
        finally:
            for upload in posted.uploads:
                await upload.close()

    return endpoint


def _before_reading(portal: Portal, request: Request) -> PortalRefused | None:
    """A refusal for which the body need not be read."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return PortalRefused(403, "elsewhere")
    token = request.path_params.get("token")
    if token and status_links.read_status_token(token, portal.store.secret, portal.context.clock()) is None:
        return PortalRefused(404, "wrong")
    return None


def _check_size(portal: Portal, posted: Posted) -> None:
    limits = portal.context.limits
    if len(posted.uploads) > limits.files:
        raise PortalRefused(422, "count", again=True)
    if sum(upload.size or 0 for upload in posted.uploads) > limits.bytes:
        raise PortalRefused(413, "large", again=True)


def refusal_page(portal: Portal, request: Request, error: PortalRefused, posted: Posted | None = None) -> Response:
    """The page that says why, with what was typed: to be sent again where that can help, or to be copied."""
    spoken = view.language(request)
    path = request.url.path
    secret = request.path_params.get("token") or request.cookies.get(portal.cookie, "")
    response = view.html(
        portal.settings,
        spoken,
        "status_turned.html",
        error.status,
        problem=error.problem,
        sizes={**sizes(portal), "minutes": math.ceil(error.wait / 60)},
        posting=request.method == "POST",
        typed=posted.texts.get("text", "") if posted else "",
        had_files=bool(posted and posted.uploads),
        again=path if error.again and path.endswith("/answer") else "",
        token=portal.token(secret),
        asks=error.problem in _ASK_AGAIN or path.endswith("/ask"),
        email=posted.texts.get("email", "") if posted else "",
        ask_token=portal.token(""),
        back=path.rpartition("/")[0] if error.again and not path.endswith("/ask") else "",
    )
    if error.wait:
        response.headers["Retry-After"] = str(math.ceil(error.wait))
    return response


def sizes(portal: Portal) -> dict[str, int]:
    limits = portal.context.limits
    return {"count": limits.files, "size": limits.bytes // body.MEGABYTE, "most": LONGEST}
