"""The console as one web application: its routes, the security headers of every response, and the error pages."""

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

from console import routes_knowledge, routes_learning
from console.access import aliases, sign_in
from console.admin import (
    automations,
    calendars,
    lifecycle_and_fields,
    mailboxes,
    privacy,
    routing,
    signatures,
    sla_policies,
    teams,
)
from console.api import configuration as configuration_api
from console.api import incidents as incident_api
from console.api import replies as replies_api
from console.api import requester
from console.api import tickets as api
from console.inbox import bulk, live, views
from console.inbox import page as inbox
from console.insight import reports
from console.operations import captured_mail, failed_jobs, inbound_log, incidents, quarantine
from console.tickets import (
    actions,
    composer,
    detail,
    downloads,
    html_mail,
    macros,
    new_ticket,
    presence,
    side_conversations,
    uploads,
    watchers,
)
from console.tickets import properties as ticket_properties
from console.web import rendering
from console.web.api_reading import read_endpoint
from console.web.request_context import Desk, SecurityHeaders, action, page
from desk.access.permissions import Verb
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


def create_app(store: Store, settings: Settings, more: Sequence[BaseRoute] = (), clock: Clock = _now) -> Starlette:
    """The console as a Starlette application; `more` are routes of other rooms that are matched first."""
    desk = Desk(store, settings, clock)
    failures = {
        HTTPException: _http_error(desk),
        sa.exc.OperationalError: _database_away(desk),
        sa.exc.TimeoutError: _database_away(desk),
    }
    return Starlette(
        routes=[*more, *_sign_in_routes(desk), *_page_routes(desk), *_action_routes(desk), *_api_routes(desk)],
        middleware=[Middleware(SecurityHeaders, secure=desk.secure)],
        exception_handlers=failures,
    )


def _sign_in_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/", lambda request: RedirectResponse("/tickets", 303)),
        Mount("/static", StaticFiles(directory=_STATIC)),
        Route("/login", sign_in.sign_in_page(desk), methods=["GET"]),
        Route("/login", sign_in.sign_in(desk), methods=["POST"]),
        Route("/logout", action(desk, sign_in.sign_out, Verb.ACCOUNT), methods=["POST"]),
        Route("/account", page(desk, sign_in.account), methods=["GET"]),
        Route("/account", sign_in.change_password(desk), methods=["POST"]),
    ]


def _page_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/tickets", page(desk, inbox.show)),
        Route("/tickets/rows", page(desk, inbox.show_rows)),
        live.route(desk),
        *new_ticket.routes(desk),
        *bulk.routes(desk),
        Route("/tickets/{ticket_id:int}", page(desk, detail.show)),
        Route("/messages/{message_id:int}/raw", page(desk, downloads.raw_message)),
        Route("/messages/{message_id:int}/files/{place:int}", page(desk, downloads.attachment)),
        Route("/messages/{message_id:int}/html", html_mail.frame(desk)),
        Route("/messages/{message_id:int}/pictures/{place:int}", html_mail.picture(desk)),
        Route("/ledger", page(desk, inbound_log.show)),
        *failed_jobs.routes(desk),
        Route("/quarantine", page(desk, quarantine.show)),
        Route("/inbound/{inbound_id:int}/raw", page(desk, downloads.raw_inbound)),
        Route("/caught", page(desk, captured_mail.show)),
        Route("/caught/{outbound_id:int}", page(desk, captured_mail.detail)),
        Route("/outbound/{outbound_id:int}/raw", page(desk, downloads.raw_outbound)),
        Route("/mailboxes", page(desk, mailboxes.show)),
        *sla_policies.routes(desk),
        *lifecycle_and_fields.routes(desk),
        *routing.page_routes(desk),
        *teams.page_routes(desk),
        *calendars.routes(desk),
        Route("/incidents", page(desk, incidents.show)),
        Route("/incidents/{incident_id:int}", page(desk, incidents.detail), methods=["GET"]),
        *routes_learning.page_routes(desk),
        *privacy.page_routes(desk),
        *reports.routes(desk),
        *routes_knowledge.page_routes(desk),
        *automations.page_routes(desk),
        *macros.page_routes(desk),
        *signatures.page_routes(desk),
    ]


def _action_routes(desk: Desk) -> list[BaseRoute]:
    verbs = {
        "update": (actions.update, Verb.CHANGE),
        "take": (actions.take, Verb.ASSIGN),
        "split": (actions.split, Verb.CHANGE),
        "merge": (actions.merge, Verb.MERGE),
        "macro": (macros.run_actions, Verb.CHANGE),
        "undo-send": (composer.undo_send, Verb.REPLY),
        "watch": (watchers.watch, Verb.WATCH),
        **{name: (act, Verb.CHANGE) for name, act in ticket_properties.actions_by_name(actions.locked_ticket).items()},
    }
    return [
        uploads.route(desk),
        Route("/tickets/{ticket_id:int}/reply", actions.reply_with_files(desk), methods=["POST"]),
        *(
            Route(f"/tickets/{{ticket_id:int}}/{name}", actions.on_ticket(desk, act, verb), methods=["POST"])
            for name, (act, verb) in verbs.items()
        ),
        *(
            Route(f"/incidents/{{incident_id:int}}/{name}", incidents.on_incident(desk, verb), methods=["POST"])
            for name, verb in incidents.VERBS.items()
        ),
        *routes_learning.action_routes(desk),
        *presence.action_routes(desk),
        *privacy.action_routes(desk),
        *routing.action_routes(desk),
        *teams.action_routes(desk),
        *routes_knowledge.action_routes(desk),
        *automations.action_routes(desk),
        *macros.action_routes(desk),
        *signatures.action_routes(desk),
        *aliases.action_routes(desk),
        *side_conversations.routes(desk),
        *views.routes(desk),
        Route("/quarantine/{inbound_id:int}/release", action(desk, quarantine.release, Verb.RELEASE), methods=["POST"]),
    ]


def _api_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/api/v1/tickets", read_endpoint(desk, api.list_tickets)),
        Route("/api/v1/tickets/{ticket_id:int}", read_endpoint(desk, api.show_ticket)),
        *incident_api.routes(desk),
        *configuration_api.routes(desk),
        *replies_api.routes(desk),
        *requester.api_routes(desk),
        *routes_learning.api_routes(desk),
        *routes_knowledge.api_routes(desk),
    ]


def _http_error(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status, why = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        headers = dict(getattr(error, "headers", None) or {})
        return _error_page(desk, request, status, why, headers)

    return answer


def _database_away(desk: Desk) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        log.warning("page_not_answered", error=type(error).__name__)
        why = "The database cannot be reached. Nothing was changed; try again in a moment."
        return _error_page(desk, request, 503, why, {"Retry-After": _RETRY_SECONDS})

    return answer


def _error_page(desk: Desk, request: Request, status: int, why: str, headers: dict[str, str]) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": status, "message": why}}, status, headers)
    values = {"settings": desk.settings, "status": status, "why": _SENTENCES.get(why, why)}
    return HTMLResponse(rendering.render("error.html", values), status, headers)
