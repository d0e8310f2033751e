"""The routes of the web channels (form, portal, inbound API), mounted into the console's application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from desk.config.settings import Settings
from gateway.intake import accept_once
from gateway.web.api import Api
from gateway.web.form import HEADERS, Form
from gateway.web.portal import app as portal
from gateway.web.request_context import Accept, Limits, RequestContext
from storage.open_store import Store

_STYLE = Path(__file__).parent / "static" / "form.css"


def routes(
    store: Store,
    settings: Settings,
    accept: Accept = accept_once,
    limits: Limits | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Route]:
    """The routes of form, inbound API and portal."""
    context = RequestContext(store, settings, accept, limits or Limits(), clock)
    form, api = Form(context), Api(context)
    return [
        Route("/request", form.show, methods=["GET"]),
        Route("/request", form.send, methods=["POST"]),
        Route("/request/thanks", form.thanks),
        Route("/request/solved", form.solved, methods=["POST"]),
        Route("/request/form.css", _style),
        Route("/api/v1/inbound", api.send, methods=["POST"]),
        Route("/api/v1/inbound/{inbound_id:int}", api.state),
        *portal.routes(context),
    ]


def _style(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": HEADERS["X-Content-Type-Options"]}
    return FileResponse(_STYLE, headers=headers, media_type="text/css")
