"""Tickets as JSON, for whoever may see the pages: a signed-in agent, or a token with the scope `tickets`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cli.open_desk import Trouble
from cli.tickets.tickets import whole_ticket
from console.insight import accuracy_figures
from console.insight import csat as csat_page
from console.tickets import inbox as ticket_list
from console.tickets import similar
from console.tickets.detail import ticket_or_404
from console.web.request_context import Desk, Visit, look_as, note_reads, visiting
from desk.web.clean_input import whole_number
from storage.access import api_tokens
from storage.db.session import Session
from storage.people.people import Person

SCOPE = "tickets"
MESSAGES_A_PAGE, MOST_MESSAGES = 200, 500
_HOW = "Sign in, or send `Authorization: Bearer <token>` with a token that has the scope tickets."


def listed(visit: Visit) -> Response:
    """One page of tickets; the query is that of the page. `next` is the query of the next page."""
    rows, more = ticket_list.found(visit, visit.request.query_params)
    found = [asdict(row) | {"undelivered": row.undelivered_at is not None} for row in rows]
    return as_json({"tickets": found, "next": {"before": rows[-1].id} if more else None})


def shown(visit: Visit) -> Response:
    """One ticket; of its messages a page, which `after` and `most` choose."""
    asked = visit.request.query_params
    after = whole_number(asked.get("after", "")) or 0
    most = min(max(whole_number(asked.get("most", "")) or MESSAGES_A_PAGE, 1), MOST_MESSAGES)
    try:
        return as_json(whole_ticket(visit.session, visit.number("ticket_id"), after=after, most=most))
    except Trouble:
        raise HTTPException(404, "There is no such ticket.") from None


def similar_to(visit: Visit) -> Response:
    """The solved tickets that are like this one."""
    ticket = ticket_or_404(visit)
    return as_json(similar.as_json(ticket, similar.solutions(visit.session, ticket)))


def satisfied(visit: Visit) -> Response:
    """How content requesters are."""
    return as_json(csat_page.figures(visit.session, visit.now))


def accuracy(visit: Visit) -> Response:
    """All figures of the accuracy page."""
    return as_json(accuracy_figures.everything(visit.session, visit.now))


def endpoint(desk: Desk, answer: Callable[[Visit], Response], scope: str = SCOPE) -> Callable[[Request], Response]:
    """JSON for who may see it; errors as JSON that say what to do."""

    def perform(request: Request) -> Response:
        try:
            with desk.store.database.reading() as session:
                response = answer(visit(desk, request, session, scope))
            note_reads(desk, session)
            return response
        except HTTPException as error:
            detail = {"code": error.status_code, "message": error.detail}
            return JSONResponse({"error": detail}, error.status_code, error.headers)

    return perform


def visit(desk: Desk, request: Request, session: Session, scope: str = SCOPE) -> Visit:
    """Who asks: an agent's session, or a token with the scope."""
    by_session = visiting(desk, request, session)
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
    nobody = Person(0, "", token.name)
    look_as(desk, session, nobody, now)
    return Visit(desk, request, session, nobody, "", now)


def as_json(value: Any) -> Response:
    return Response(json.dumps(value, ensure_ascii=False, default=_plain), media_type="application/json")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
