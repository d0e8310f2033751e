"""Signatures below replies: agents edit their own on the account page, leads those of teams and mailboxes.

The ticket page shows which signature the next reply will have, and lets the agent send without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.tickets.ticket import NotAllowed, Ticket
from storage.people import people
from storage.tickets import placeholders, signatures

NAMES = (*placeholders.NAMES, "desk")
"""What may stand in braces."""


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/signatures", page(desk, show), methods=["GET"])]


def action_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/account/signature", action(desk, save_own, Verb.WRITE), methods=["POST"]),
        Route("/signatures", action(desk, save, Verb.MANAGE), methods=["POST"]),
    ]


def preview(visit: Visit, ticket: Ticket) -> str:
    """The signature of a reply by this agent on this ticket."""
    filled = signatures.for_reply(visit.session, ticket, visit.actor, visit.now)
    return filled.replace("{desk}", visit.desk.settings.desk_name)


def is_wanted(fields: Mapping[str, str]) -> bool:
    """Whether this reply is sent with the signature."""
    return fields.get("signature") != "without"


def account_values(visit: Visit) -> dict[str, Any]:
    """Template values of the account page."""
    return {"signature": signatures.of_agent(visit.session, visit.agent.id), "names": NAMES}


def save_own(visit: Visit, fields: Mapping[str, str]) -> Response:
    _kept(lambda text: signatures.set_agent(visit.session, visit.agent.id, text), fields)
    return RedirectResponse("/account?done=signature", 303)


def show(visit: Visit) -> Response:
    of_teams = signatures.of_teams(visit.session)
    return visit.html(
        "admin/signatures.html",
        teams=[(team, of_teams[team.id]) for team in people.all_teams(visit.session)],
        boxes=people.all_mailboxes(visit.session),
        names=NAMES,
        leads=visit.may(Verb.MANAGE),
    )


def save(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves a team's or a mailbox's signature."""
    kind, _, number = fields.get("of", "").partition("-")
    set_one = {"team": signatures.set_team, "mailbox": signatures.set_mailbox}.get(kind)
    if set_one is None or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise HTTPException(404, "There is no such team or mailbox.")
    _kept(lambda text: set_one(visit.session, int(number), text), fields)
    return RedirectResponse("/signatures?done=saved", 303)


def _kept(keep: Callable[[str], str], fields: Mapping[str, str]) -> None:
    try:
        keep(fields.get("text", ""))
    except NotAllowed as error:
        raise HTTPException(422, f"Not saved: {error}.") from error
