"""GET endpoints of the JSON API: for sessions of signed-in agents, and for API tokens with the scope."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.web.request_context import Desk, Visit, note_reads, set_viewer, signed_in_visit
from storage.access import api_tokens
from storage.db.session import Session
from storage.people.people import Person

SCOPE = "tickets"
_HOW = "Sign in, or send `Authorization: Bearer <token>` with a token that has the scope tickets."


def read_endpoint(desk: Desk, answer: Callable[[Visit], Response], scope: str = SCOPE) -> Callable[[Request], Response]:
    """An endpoint that answers in JSON; errors are JSON too."""

    def perform(request: Request) -> Response:
        try:
            with desk.store.database.reading() as session:
                response = answer(authenticated(desk, request, session, scope))
            note_reads(desk, session)
            return response
        except HTTPException as error:
            detail = {"code": error.status_code, "message": error.detail}
            return JSONResponse({"error": detail}, error.status_code, error.headers)

    return perform


def authenticated(desk: Desk, request: Request, session: Session, scope: str = SCOPE) -> Visit:
    """The request of a signed-in agent, or of a token with that scope; 401, 403 or 429 otherwise."""
    by_session = signed_in_visit(desk, request, session)
    if by_session is not None:
        return by_session
    now = desk.clock()
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    token = api_tokens.find(session, value.strip()) if kind.lower() == "bearer" else None
    if token is None:
        # Counted only now: what others at the same address get wrong keeps no valid token out.
        wait = desk.wrong_tokens.take(desk.came_from(request), now)
        if wait:
            raise HTTPException(429, "Too many wrong tokens.", {"Retry-After": str(math.ceil(wait))})
        raise HTTPException(401, _HOW, {"WWW-Authenticate": "Bearer"})
    if scope not in token.scopes:
        raise HTTPException(403, f"This token has no scope `{scope}`.")
    token_person = Person(0, "", token.name)
    set_viewer(desk, session, token_person, now)
    return Visit(desk, request, session, token_person, "", now)


def json_response(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, default=_plain), media_type="application/json")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
