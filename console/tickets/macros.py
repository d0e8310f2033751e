"""Macros: selected on a ticket, where their text fills the reply box; and the page on which they are edited.

Agents edit their own macros, leads also those of teams and those for everybody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.rules import macros as texts
from desk.rules.actions import BadAction, words
from desk.tickets.ticket import NotAllowed, Ticket
from storage.people import people
from storage.tickets import placeholders, tickets
from usecases.rules import macros
from usecases.rules.macros import Macro

LONGEST = 20_000


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/macros", page(desk, show), methods=["GET"])]


def action_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/macros/save", action(desk, save, Verb.WRITE), methods=["POST"]),
        Route("/macros/remove", action(desk, remove, Verb.WRITE), methods=["POST"]),
    ]


def page_values(visit: Visit, macro: Macro | None) -> dict[str, object]:
    """Template values of the ticket page: the agent's macros, the chosen one, and what it does."""
    known = macros.macros_of_agent(visit.session, visit.agent.id)
    return {"macro": macro, "macro_does": describe_actions(macro), "macros": known}


def selected_macro(visit: Visit) -> Macro | None:
    """The macro that the query of the ticket page names."""
    return _own(visit, visit.request.query_params.get("macro", ""))


def filled_text(visit: Visit, ticket: Ticket, macro: Macro | None) -> str:
    return macros.render_text(visit.session, macro, ticket, visit.actor, visit.now) if macro else ""


def describe_actions(macro: Macro | None) -> str:
    return ", ".join(map(words, macro.actions)) if macro else ""


def run_actions_of_message(visit: Visit, ticket: Ticket, fields: Mapping[str, str]) -> Ticket:
    """Runs the actions of the macro that a message was written with; returns the ticket afterwards."""
    macro = _own(visit, fields.get("macro", ""))
    if macro is None:
        return ticket
    done = macros.apply(visit.session, macro, ticket, visit.actor, visit.now)
    if done.refused:
        raise NotAllowed(f"the macro {macro.name} does not fit: {'; '.join(done.refused)}")
    return done.ticket


def macro_of_message(visit: Visit, fields: Mapping[str, str]) -> Macro | None:
    """The macro that a message was written with."""
    return _own(visit, fields.get("macro", ""))


def run_actions(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Runs the actions of a macro without a message."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None or _own(visit, fields.get("macro", "")) is None:
        raise HTTPException(404, "There is no such macro, or no such ticket.")
    run_actions_of_message(visit, ticket, fields)
    return RedirectResponse(f"/tickets/{ticket.id}?done=updated", 303)


def show(visit: Visit) -> Response:
    return _page(visit)


def save(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Adds or changes a macro."""
    try:
        done = tomllib.loads(f"actions = {fields.get('actions', '').strip() or '[]'}")["actions"]
        team_id, owner_id = _whose(visit, fields.get("whose", "mine"))
        text = fields.get("text", "")[:LONGEST].replace("\r\n", "\n").strip("\n")
        macros.save(visit.session, fields.get("name", "").strip(), text, done, team_id=team_id, owner_id=owner_id)
    except (tomllib.TOMLDecodeError, BadAction, NotAllowed) as error:
        return _page(visit, 422, problem=str(error), typed=fields)
    return RedirectResponse("/macros?done=saved", 303)


def remove(visit: Visit, fields: Mapping[str, str]) -> Response:
    macro = _own(visit, fields.get("macro", ""))
    if macro is None:
        raise HTTPException(404, "There is no such macro.")
    if macro.owner_id != visit.agent.id and not visit.may(Verb.MANAGE):
        raise HTTPException(403, "Macros of teams and of everybody are the leads'.")
    macros.remove(visit.session, macro.id)
    return RedirectResponse("/macros?done=removed", 303)


def _own(visit: Visit, number: str) -> Macro | None:
    """A macro that the agent may use; leads may use all."""
    shared = macros.list_all(visit.session) if visit.may(Verb.MANAGE) else []
    mine = {one.id: one for one in (*shared, *macros.macros_of_agent(visit.session, visit.agent.id))}
    return mine.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None


def _whose(visit: Visit, whose: str) -> tuple[int | None, int | None]:
    """Team and owner of the macro; only leads write for others."""
    if whose == "mine":
        return None, visit.agent.id
    if not visit.may(Verb.MANAGE):
        raise HTTPException(403, "Macros of teams and of everybody are the leads'.")
    return (int(whose), None) if whose.isascii() and whose.isdigit() and len(whose) < 19 else (None, None)


def _page(visit: Visit, status: int = 200, *, problem: str = "", typed: Mapping[str, str] | None = None) -> Response:
    leads = visit.may(Verb.MANAGE)
    listed = macros.list_all(visit.session) if leads else macros.macros_of_agent(visit.session, visit.agent.id)
    teams = {team.id: team.name for team in people.all_teams(visit.session)}
    usable = [one for one in listed if one.owner_id in (None, visit.agent.id)]
    return visit.html(
        "tickets/macros.html",
        status,
        macros=[(one, describe_actions(one), texts.unknown(one.text, placeholders.NAMES)) for one in usable],
        teams=teams,
        names=placeholders.NAMES,
        leads=leads,
        problem=problem,
        typed=typed or {},
    )
