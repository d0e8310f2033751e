"""The page of routing rules: in their order, written with a few fields, tested on past tickets; and what waits.

In: forms of leads and admins. Out: rows, and what a rule would change. It refuses to know how an agent is chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.door import Desk, Visit, action, page
from desk.conditions import FIELDS
from desk.routing import BadRouting
from desk.ticket import Priority
from storage import pages, people, routing_rules, routing_trial, waiting
from storage.routing_rules import Kept
from storage.routing_trial import Trial

LEADS = frozenset({"lead", "admin"})
ROWS = 3
OPS = ("is", "is_not", "in", "contains", "word", "under", "starts", "ends", "like", "above", "below", "set")
_ASKED = tuple(sorted(FIELDS - {"status", "assignee", "event", "idle_hours", "waiting_hours", "age_hours", "reopened"}))


def reading(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/routing", page(desk, show), methods=["GET"]),
        Route("/unroutable", page(desk, unroutable), methods=["GET"]),
    ]


def acting(desk: Desk) -> list[BaseRoute]:
    verbs = {"add": add, "test": test, "switch": switch, "move": move, "remove": remove}
    return [Route(f"/routing/{name}", action(desk, act, LEADS), methods=["POST"]) for name, act in verbs.items()]


def only_leads(visit: Visit) -> None:
    if visit.agent.role not in LEADS:
        raise HTTPException(403, f"Your role, {visit.agent.role}, may not do this.")


def show(visit: Visit) -> Response:
    only_leads(visit)
    return _page(visit)


def unroutable(visit: Visit) -> Response:
    """What nobody can take, the most urgent first; for everybody."""
    return visit.html("unroutable.html", flags=waiting.listed(visit.session))


def add(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A new rule, or another version of one; it stays off, and is tested at once."""
    try:
        conditions, actions = _conditions(fields), _actions(fields)
        kept = routing_rules.put(visit.session, fields.get("name", ""), conditions, actions, active=False)
    except BadRouting as error:
        return _page(visit, 422, problem=str(error), typed=fields)
    return test(visit, {"name": kept.name})


def test(visit: Visit, fields: Mapping[str, str]) -> Response:
    kept = _kept(visit, fields)
    now = visit.now.astimezone(ZoneInfo(visit.desk.settings.time_zone))
    return _page(visit, trial=routing_trial.tried(visit.session, kept, now), tested=kept.name)


def switch(visit: Visit, fields: Mapping[str, str]) -> Response:
    try:
        routing_rules.switch(visit.session, _kept(visit, fields), on=fields.get("on") == "yes")
    except BadRouting as error:
        return _page(visit, 422, problem=str(error))
    return RedirectResponse("/routing?done=switched", 303)


def move(visit: Visit, fields: Mapping[str, str]) -> Response:
    routing_rules.move(visit.session, _kept(visit, fields), -1 if fields.get("up") == "yes" else 1)
    return RedirectResponse("/routing?done=moved", 303)


def remove(visit: Visit, fields: Mapping[str, str]) -> Response:
    routing_rules.remove(visit.session, _kept(visit, fields))
    return RedirectResponse("/routing?done=removed", 303)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    trial: Trial | None = None,
    tested: str = "",
) -> Response:
    every = routing_rules.every(visit.session)
    return visit.html(
        "routing.html",
        status,
        rules=[(kept, routing_trial.in_words(kept.rule) if kept.rule else kept.problem) for kept in every],
        problem=problem,
        typed=typed or {},
        trial=trial,
        tested=tested,
        fields=_ASKED,
        ops=OPS,
        rows=range(ROWS),
        teams=people.all_teams(visit.session),
        agents=[agent for agent in people.all_agents(visit.session) if agent.active],
        priorities=list(Priority),
        categories=pages.known_categories(visit.session),
    )


def _conditions(fields: Mapping[str, str]) -> Any:
    """From the rows of the form, or as JSON where a rule needs more than they can say."""
    if fields.get("json", "").strip():
        return _json(fields["json"])
    rows = [[fields.get(f"{part}{row}", "").strip() for part in ("field", "op", "value")] for row in range(ROWS)]
    return [{"field": name, op: _value(op, value)} for name, op, value in rows if name]


def _value(op: str, text: str) -> Any:
    if op == "in":
        return [part.strip() for part in text.split(",") if part.strip()]
    if op == "set":
        return text.lower() not in ("no", "false", "missing")
    if op in ("above", "below"):
        try:
            return float(text)
        except ValueError as error:
            raise BadRouting(f"{text!r} should be a number") from error
    return text


def _actions(fields: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.get(name, "").strip() for name in ("team", "assign", "priority", "note")}
    for name in ("tag", "skills"):
        given[name] = [part.strip() for part in fields.get(name, "").split(",") if part.strip()]
    return {name: value for name, value in given.items() if value}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadRouting(f"the conditions are no JSON: {error}") from error


def _kept(visit: Visit, fields: Mapping[str, str]) -> Kept:
    kept = routing_rules.named(visit.session, fields.get("name", ""))
    if kept is None:
        raise HTTPException(404, "There is no such rule.")
    return kept
