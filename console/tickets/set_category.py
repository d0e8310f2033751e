"""An agent sets or confirms the category of a ticket, on a page or by the API. Each is a training label.

Setting the category that the ticket already has confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.tickets.actions import plain_name
from console.web.local_path import local_path
from console.web.request_context import Visit
from desk.tickets import transitions
from desk.tickets.ticket import Actor, NotAllowed, Ticket
from storage.tickets import tickets

_NAMES = {"console": "console", "api": "API"}


def set_from_form(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A button beside a suggested category, or *Confirm*."""
    ticket = set_by_agent(visit, visit.number("ticket_id"), fields.get("category", ""), visit.actor, "console")
    if fields.get("next"):
        return RedirectResponse(local_path(fields["next"]), 303)
    return RedirectResponse(f"/tickets/{ticket.id}?done=categorised", 303)


def set_from_api(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """The category of the JSON body."""
    category = body.get("category")
    if not isinstance(category, str):
        raise HTTPException(422, 'Send {"category": "NAME"}.')
    ticket = set_by_agent(visit, visit.number("ticket_id"), category, visit.actor, "api")
    return {"id": ticket.id, "category": ticket.category, "version": ticket.version}


def set_by_agent(visit: Visit, number: int, category: str, actor: Actor, via: str) -> Ticket:
    """Locks the ticket; the last agent wins."""
    name = plain_name(category)
    ticket = tickets.get(visit.session, number, lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    if not name:
        raise HTTPException(422, "Say which category.")
    if ticket.merged_into is not None:
        raise NotAllowed(f"ticket #{ticket.id} was merged into #{ticket.merged_into}")
    if name == ticket.category:
        change = transitions.confirm_category(ticket, name, actor, visit.now, via)
    else:
        change = transitions.set_category(ticket, name, actor, visit.now, f"set in the {_NAMES[via]}", via)
    return tickets.save(visit.session, change)
