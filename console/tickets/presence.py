"""Who else views a ticket or writes on it: an open page asks every few seconds.

The page names the newest message that it shows, which its agent has read with that. The JSON holds the other agents,
the version of the ticket (a new one means that it changed), and the replies that are still scheduled. Tickets that the
agent may not see are not found.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from console.tickets import composer
from console.web.request_context import Desk, Visit, action
from desk.access.permissions import Verb
from desk.web.clean_input import whole_number
from storage.tickets import presence, reads, tickets
from usecases.agents import scheduled_replies


def action_routes(desk: Desk) -> list[BaseRoute]:
    path = "/tickets/{ticket_id:int}"
    return [
        Route(f"{path}/draft", action(desk, composer.save_draft, Verb.NOTE), methods=["POST"]),
        Route(f"{path}/presence", action(desk, report_presence, Verb.READ), methods=["POST"]),
    ]


def report_presence(visit: Visit, fields: Mapping[str, str]) -> Response:
    """The page is open, or was closed (`doing=gone`)."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"))
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    doing = fields.get("doing", "")
    if doing == "gone":
        presence.remove(visit.session, ticket.id, visit.agent.id)
    elif doing in (presence.VIEWING, presence.WRITING):
        presence.record(visit.session, ticket.id, visit.agent.id, doing, visit.now)
        if read := whole_number(fields.get("read", "")):
            reads.mark_read(visit.session, ticket.id, visit.agent.id, read)
    others = presence.list_present(visit.session, [ticket.id], visit.now, but=visit.agent.id).get(ticket.id, [])
    present = [{"name": one.name, "doing": one.doing} for one in others]
    waiting = [one.id for one in scheduled_replies.scheduled_of_ticket(visit.session, ticket.id)]
    return JSONResponse({"version": ticket.version, "others": present, "waiting": waiting})
