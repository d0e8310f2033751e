"""Changes a ticket's requester by JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from console.web.api_writing import write_endpoint
from console.web.request_context import Desk, Visit
from storage.people import people
from storage.tickets import tickets
from storage.tickets.tickets import Stale
from usecases.tickets import requester


def api_routes(desk: Desk) -> list[BaseRoute]:
    change = write_endpoint(desk, change_requester)
    return [Route("/api/v1/tickets/{ticket_id:int}/requester", change, methods=["POST"])]


def change_requester(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """`requester` is the new address; `version` is optional, and is compared with the ticket's."""
    address, version = body.get("requester"), body.get("version")
    if not isinstance(address, str):
        raise HTTPException(422, 'Send {"requester": "ADDRESS"}.')
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    if version is not None and version != ticket.version:
        raise Stale(f"ticket #{ticket.id} was changed by somebody else")
    saved = requester.change(visit.session, ticket, address, visit.actor, visit.now)
    person = people.by_ids(visit.session, [saved.requester_id])[saved.requester_id]
    return {"id": saved.id, "requester": person.address, "version": saved.version}
