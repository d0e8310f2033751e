"""Watchers of a ticket, and the button to start or stop watching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.web.request_context import Visit
from desk.tickets.ticket import Ticket
from storage.tickets import tickets
from usecases.tickets import watchers as tickets_watchers


def page_values(visit: Visit, ticket: Ticket) -> dict[str, Any]:
    watchers = tickets_watchers.list_watchers(visit.session, [ticket.id]).get(ticket.id, [])
    return {"watchers": watchers, "watches": visit.agent.id in {one.id for one in watchers}}


def watch(visit: Visit, fields: Mapping[str, str]) -> Response:
    """For oneself; it needs no version, because it overwrites nothing."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    change = tickets_watchers.unwatch if fields.get("end") else tickets_watchers.watch
    change(visit.session, ticket, visit.agent, visit.actor, visit.now)
    return RedirectResponse(f"/tickets/{ticket.id}", 303)
