"""The page of routing rules: ordered, edited as a form, tested on past tickets; and the page of unassigned tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.admin import condition_form
from console.admin.condition_form import Groups
from console.admin.rule_buttons import RuleButtons
from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.priority.levels import Priority
from desk.routing.routing import BadRouting
from desk.rules.conditions import BadCondition
from desk.web.clean_input import BadInput, read_json
from storage.people import holders, people
from storage.routing import rules as routing_rules
from storage.routing import unassigned
from storage.routing.rules import StoredRoutingRule
from storage.tickets import listings
from usecases.routing import dry_run as routing_dry_run
from usecases.routing.dry_run import Trial

_NOT_ASKED = ("status", "assignee", "event", "idle_hours", "waiting_hours", "age_hours", "reopened")
"""What a new ticket has not yet."""


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/routing", page(desk, show), methods=["GET"]),
        Route("/unroutable", page(desk, show_unassigned), methods=["GET"]),
    ]


def action_routes(desk: Desk) -> list[BaseRoute]:
    verbs = {"add": add, "test": test, "switch": BUTTONS.switch, "move": move, "remove": BUTTONS.remove}
    return [Route(f"/routing/{name}", action(desk, act, Verb.MANAGE), methods=["POST"]) for name, act in verbs.items()]


def only_leads(visit: Visit) -> None:
    visit.require(Verb.MANAGE)


def show(visit: Visit) -> Response:
    """All rules; the form holds the one that the query names."""
    only_leads(visit)
    kept = routing_rules.get_by_name(visit.session, visit.request.query_params.get("rule", ""))
    if kept is None:
        return _page(visit)
    return _page(visit, typed=_kept_as_typed(kept), groups=condition_form.rows_of(kept.conditions))


def show_unassigned(visit: Visit) -> Response:
    """Tickets without an available agent, the most urgent first; for every agent."""
    return visit.html("admin/unassigned.html", flags=unassigned.list_flags(visit.session))


def add(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Adds or changes a rule, which is tested at once and is off; or adds or removes a row of its form."""
    groups = condition_form.edited(condition_form.rows_of_form(fields), fields.get("do", ""))
    if groups is not None:
        return _page(visit, typed=fields, groups=groups)
    try:
        conditions, actions = _conditions(fields), _actions(fields)
        kept = routing_rules.save(visit.session, fields.get("name", ""), conditions, actions, active=False)
    except BadRouting as error:
        return _page(visit, 422, problem=str(error), typed=fields)
    return test(visit, {"name": kept.name})


def test(visit: Visit, fields: Mapping[str, str]) -> Response:
    kept = BUTTONS.kept(visit, fields)
    now = visit.now.astimezone(ZoneInfo(visit.desk.settings.time_zone))
    return _page(visit, tried=(kept.name, routing_dry_run.try_rule(visit.session, kept, now)))


def move(visit: Visit, fields: Mapping[str, str]) -> Response:
    routing_rules.move(visit.session, BUTTONS.kept(visit, fields), -1 if fields.get("up") == "yes" else 1)
    return RedirectResponse("/routing?done=moved", 303)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    tried: tuple[str, Trial] | None = None,
    groups: Groups | None = None,
) -> Response:
    """`tried`: the rule that was tested, and what came of it."""
    every = routing_rules.list_all(visit.session)
    return visit.html(
        "admin/routing.html",
        status,
        rules=[(kept, routing_dry_run.describe_rule(kept.rule) if kept.rule else kept.problem) for kept in every],
        problem=problem,
        typed=typed or {},
        trial=tried[1] if tried else None,
        tested=tried[0] if tried else "",
        facts=condition_form.facts(visit.session, _NOT_ASKED),
        ops=condition_form.OPS,
        kinds=condition_form.KINDS,
        groups=groups or condition_form.rows_to_show(typed or {}),
        teams=people.all_teams(visit.session),
        agents=holders.list_possible(visit.session),
        priorities=list(Priority),
        categories=listings.known_categories(visit.session),
    )


def _conditions(fields: Mapping[str, str]) -> Any:
    """From the rows of the form, or from JSON where a rule needs more than rows can express."""
    if fields.get("json", "").strip():
        return _json(fields["json"])
    try:
        return condition_form.conditions(condition_form.rows_of_form(fields))
    except BadCondition as error:
        raise BadRouting(str(error)) from error


def _kept_as_typed(kept: StoredRoutingRule) -> dict[str, str]:
    """A stored rule as values of its form."""
    typed = {"name": kept.name}
    for name, value in (kept.actions if isinstance(kept.actions, Mapping) else _merged(kept.actions)).items():
        typed[name] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    deep = condition_form.rows_of(kept.conditions) is None
    return typed | ({"json": json.dumps(kept.conditions, ensure_ascii=False)} if deep else {})


def _merged(actions: Any) -> dict[str, Any]:
    """A list of actions as one mapping."""
    return {name: value for one in actions if isinstance(one, Mapping) for name, value in one.items()}


def _actions(fields: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields.get(name, "").strip() for name in ("team", "assign", "priority", "note")}
    for name in ("tag", "skills"):
        given[name] = [part.strip() for part in fields.get(name, "").split(",") if part.strip()]
    return {name: value for name, value in given.items() if value}


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except BadInput as error:
        raise BadRouting(f"the conditions are no JSON: {error}") from error


BUTTONS = RuleButtons(
    "/routing",
    "rule",
    routing_rules.get_by_name,
    routing_rules.set_active,
    routing_rules.remove,
    BadRouting,
    lambda visit, why: _page(visit, 422, problem=why),
)
