"""The console as one application: every path and what answers it, the headers of all answers, the pages of errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from console import (
    actions,
    auth,
    automations,
    bulk,
    caught,
    composer,
    dead_jobs,
    files,
    incidents,
    learning,
    ledger,
    lifecycle,
    macros,
    mail_frame,
    mailboxes,
    privacy,
    quarantine,
    record,
    reports,
    reuse,
    routing,
    sides,
    signatures,
    sla,
    sla_calendars,
    teams,
    ticket,
    tickets,
    together,
    view,
    watching,
)
from console.api import configuration as configuration_api
from console.api import incidents as incident_api
from console.api import replies as replies_api
from console.api import tickets as api
from console.door import EVERYBODY, Desk, Headers, action, page
from desk.config.settings import Settings
from storage.open_store import Store

log = structlog.get_logger()

_STATIC = Path(__file__).parent / "static"
_RETRY_SECONDS = "10"
_SENTENCES = {
    "Not Found": "There is no such page, or it is not there any more.",
    "Method Not Allowed": "This address does not take that kind of request.",
    "Bad Request": "Your browser sent something that cannot be read.",
}
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def routes(store: Store, settings: Settings | None = None, clock: Clock = _now) -> list[BaseRoute]:
    """The whole console as the last of somebody's routes: it answers every path that no earlier route took."""
    return [Mount("/", app=create_app(store, settings or store.settings, clock=clock))]


def create_app(store: Store, settings: Settings, more: Sequence[BaseRoute] = (), clock: Clock = _now) -> Starlette:
    """The console; `more` are routes of other rooms that shall be found first."""
    desk = Desk(store, settings, clock)
    failures = {HTTPException: _refused(desk), sa.exc.OperationalError: _later(desk), sa.exc.TimeoutError: _later(desk)}
    return Starlette(
        routes=[*more, *_signing_in(desk), *_reading(desk), *_acting(desk), *_machines(desk)],
        middleware=[Middleware(Headers, secure=desk.secure)],
        exception_handlers=failures,
    )


def _signing_in(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/", lambda request: RedirectResponse("/tickets", 303)),
        Mount("/static", StaticFiles(directory=_STATIC)),
        Route("/login", auth.sign_in_page(desk), methods=["GET"]),
        Route("/login", auth.sign_in(desk), methods=["POST"]),
        Route("/logout", action(desk, auth.sign_out, EVERYBODY), methods=["POST"]),
        Route("/account", page(desk, auth.account), methods=["GET"]),
        Route("/account", auth.change_password(desk), methods=["POST"]),
    ]


def _reading(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/tickets", page(desk, tickets.show)),
        *bulk.routes(desk),
        Route("/tickets/{ticket_id:int}", page(desk, ticket.show)),
        Route("/messages/{message_id:int}/raw", page(desk, files.raw_message)),
        Route("/messages/{message_id:int}/files/{place:int}", page(desk, files.attachment)),
        Route("/messages/{message_id:int}/html", mail_frame.frame(desk)),
        Route("/messages/{message_id:int}/pictures/{place:int}", mail_frame.picture(desk)),
        Route("/ledger", page(desk, ledger.show)),
        *dead_jobs.routes(desk),
        Route("/quarantine", page(desk, quarantine.show)),
        Route("/inbound/{inbound_id:int}/raw", page(desk, files.raw_inbound)),
        Route("/caught", page(desk, caught.show)),
        Route("/caught/{outbound_id:int}", page(desk, caught.one)),
        Route("/outbound/{outbound_id:int}/raw", page(desk, files.raw_outbound)),
        Route("/mailboxes", page(desk, mailboxes.show)),
        *sla.routes(desk),
        *lifecycle.routes(desk),
        *routing.reading(desk),
        *teams.reading(desk),
        *sla_calendars.routes(desk),
        Route("/incidents", page(desk, incidents.show)),
        Route("/incidents/{incident_id:int}", page(desk, incidents.one), methods=["GET"]),
        *learning.reading(desk),
        *privacy.reading(desk),
        *reports.routes(desk),
        *reuse.reading(desk),
        *automations.reading(desk),
        *macros.reading(desk),
        *signatures.reading(desk),
    ]


def _acting(desk: Desk) -> list[BaseRoute]:
    verbs = {
        "reply": actions.reply,
        "update": actions.update,
        "take": actions.take,
        "split": actions.split,
        "merge": actions.merge,
        "macro": macros.alone,
        "undo-send": composer.undo_send,
        "watch": watching.watch,
        **record.verbs(actions.current),
    }
    return [
        *(
            Route(f"/tickets/{{ticket_id:int}}/{name}", actions.on_ticket(desk, verb), methods=["POST"])
            for name, verb in verbs.items()
        ),
        *(
            Route(f"/incidents/{{incident_id:int}}/{name}", incidents.on_incident(desk, verb), methods=["POST"])
            for name, verb in incidents.VERBS.items()
        ),
        *learning.acting(desk),
        *together.acting(desk),
        *privacy.acting(desk),
        *routing.acting(desk),
        *teams.acting(desk),
        *reuse.acting(desk),
        *automations.acting(desk),
        *macros.acting(desk),
        *signatures.acting(desk),
        *sides.routes(desk),
        Route("/quarantine/{inbound_id:int}/release", action(desk, quarantine.release), methods=["POST"]),
    ]


def _machines(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/api/v1/tickets", api.endpoint(desk, api.listed)),
        Route("/api/v1/tickets/{ticket_id:int}", api.endpoint(desk, api.shown)),
        *incident_api.routes(desk),
        *configuration_api.routes(desk),
        *replies_api.routes(desk),
        *learning.machines(desk),
        *reuse.machines(desk),
    ]


def _refused(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status, why = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        headers = dict(getattr(error, "headers", None) or {})
        return _failure(desk, request, status, why, headers)

    return answer


def _later(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        log.warning("page_not_answered", error=type(error).__name__)
        why = "The database cannot be reached. Nothing was changed; try again in a moment."
        return _failure(desk, request, 503, why, {"Retry-After": _RETRY_SECONDS})

    return answer


def _failure(desk: Desk, request: Request, status: int, why: str, headers: dict[str, str]) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": status, "message": why}}, status, headers)
    values = {"settings": desk.settings, "status": status, "why": _SENTENCES.get(why, why)}
    return HTMLResponse(view.render("error.html", values), status, headers)
