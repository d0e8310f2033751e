"""The resolution text of a ticket, saved from the console and by the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.tickets.actions import locked_ticket
from console.web.request_context import Visit
from desk.tickets import properties
from desk.tickets.ticket import Actor, NotAllowed, Ticket
from storage.tickets import tickets
from usecases.tickets.resolution import LONGEST


def save_from_form(visit: Visit, fields: Mapping[str, str]) -> Response:
    """The text of the form, which may be empty."""
    ticket = locked_ticket(visit, fields)
    _save(visit, ticket, fields.get("resolution", ""), visit.actor)
    return RedirectResponse(f"/tickets/{ticket.id}?done=resolution", 303)


def save_from_api(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """The text of the JSON body."""
    text = body.get("resolution")
    if not isinstance(text, str):
        raise HTTPException(422, 'Send {"resolution": "TEXT"}.')
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    saved = _save(visit, ticket, text, visit.actor)
    return {"id": saved.id, "resolution": saved.resolution, "version": saved.version}


def _save(visit: Visit, ticket: Ticket, text: str, actor: Actor) -> Ticket:
    words = text.replace("\r\n", "\n").replace("\0", "").strip()
    if len(words) > LONGEST:
        raise NotAllowed(f"a resolution has at most {LONGEST} characters")
    return tickets.save(visit.session, properties.set_resolution(ticket, words, actor, visit.now))
