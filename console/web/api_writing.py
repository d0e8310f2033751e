"""POST endpoints of the JSON API: one transaction per request.

The body is a small JSON object. A session needs the page's CSRF token in the header X-CSRF-Token; a token needs the
scope `tickets:write`, and the ticket's history shows its name.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.web.api_reading import authenticated
from console.web.request_context import Desk, Visit, check_csrf
from desk.access.permissions import Verb
from desk.access.visibility import Viewer
from desk.tickets.ticket import NotAllowed
from desk.web.clean_input import BadInput, NotJson, read_json
from storage.access import audit
from storage.access.audit import Action
from storage.tickets.tickets import Stale

log = structlog.get_logger()

SCOPE = "tickets:write"
MOST_BODY = 64_000

Write = Callable[[Visit, Mapping[str, Any]], dict[str, Any]]


class AuditedRefusal(NotAllowed):
    """A refused request that is recorded in the audit log: who sent it, its kind, and what of it may be stored."""

    def __init__(self, message: str, viewer: Viewer, what: str, data: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.viewer, self.what, self.data = viewer, what, data


def write_endpoint(
    desk: Desk, write: Write, *, scope: str = SCOPE, verb: Verb = Verb.CHANGE, most: int = MOST_BODY
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An endpoint for tokens with that scope, and for sessions of agents whose role has the permission `verb`."""

    def perform(request: Request, body: Mapping[str, Any]) -> Response:
        try:
            with desk.store.database.transaction() as session:
                visit = authenticated(desk, request, session, scope)
                _check(desk, request, visit, verb)
                response = JSONResponse(write(visit, body))
                audit.record_reads(session, session, visit.now)
                return response
        except Stale:
            return _error(409, "Somebody else changed the ticket; read it again.")
        except NotAllowed as error:
            _note_attempt(desk, error)
            return _error(422, f"Failed: {error}.")
        except HTTPException as error:
            return _error(error.status_code, error.detail, error.headers)

    async def answer(request: Request) -> Response:
        try:
            body = await _body(request, most)
        except HTTPException as error:
            return _error(error.status_code, error.detail)
        return await anyio.to_thread.run_sync(perform, request, body)

    return answer


def _note_attempt(desk: Desk, error: NotAllowed) -> None:
    """Uses a transaction of its own, because that of the request is rolled back."""
    if isinstance(error, AuditedRefusal):
        log.warning("request_refused_and_noted", what=error.what)
        with desk.store.database.transaction() as session:
            audit.record(session, error.viewer, Action(error.what, desk.clock(), data=error.data))


def _check(desk: Desk, request: Request, visit: Visit, verb: Verb) -> None:
    """A browser's session needs the CSRF token; an API token is proof enough."""
    if not visit.cookie:
        return
    check_csrf(desk, request, {"csrf": request.headers.get("x-csrf-token", "")}, visit.cookie)
    visit.require(verb)


async def _body(request: Request, most: int) -> Mapping[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON with Content-Type: application/json.")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise HTTPException(413, "This is too long.")
    try:
        body = read_json(content)
    except BadInput as error:
        code, why = 400 if isinstance(error, NotJson) else 422, str(error)
        raise HTTPException(code, f"{why[:1].upper()}{why[1:]}.") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "Send a JSON object.")
    return body


def _error(code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, code, headers)
