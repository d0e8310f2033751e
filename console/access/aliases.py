"""The alias addresses of an agent on the account page: addresses seen on signed mail, and confirmed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, action
from desk.access.permissions import Verb
from desk.tickets.ticket import NotAllowed
from usecases.agents import aliases


def action_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/account/aliases", action(desk, save, Verb.ACCOUNT), methods=["POST"])]


def account_values(visit: Visit) -> dict[str, Any]:
    """Template values of the account page."""
    return {"aliases": aliases.aliases_of_agent(visit.session, visit.agent.id)}


def save(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Confirms an address that was seen, or removes one."""
    try:
        if fields.get("remove"):
            aliases.remove(visit.session, visit.agent.id, fields["remove"])
        else:
            aliases.confirm(visit.session, visit.agent.id, fields.get("confirm", ""), visit.now)
    except NotAllowed as error:
        raise HTTPException(422, f"Failed: {error}.") from error
    return RedirectResponse("/account?done=alias", 303)
