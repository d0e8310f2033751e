"""The page of automations: add one as TOML, test it on past tickets, switch it on or off, remove it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.admin.rule_buttons import RuleButtons
from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.rules import automations as rules_automations
from desk.rules.automations import BadAutomation
from usecases.rules import automations
from usecases.rules.automations import PlannedChanges

LONGEST = 20_000
EXAMPLE = """\
name = "Refunds to Billing"
when = { event = "opened" }
conditions = [{ field = "subject", word = "refund" }]
actions = [{ team = "Billing" }, { tag = "refund" }]
"""


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/automations", page(desk, show), methods=["GET"])]


def action_routes(desk: Desk) -> list[BaseRoute]:
    verbs = {"add": add, "test": test, "switch": BUTTONS.switch, "remove": BUTTONS.remove}
    return [
        Route(f"/automations/{name}", action(desk, verb, Verb.MANAGE), methods=["POST"]) for name, verb in verbs.items()
    ]


def show(visit: Visit) -> Response:
    return _page(visit)


def add(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Adds or changes an automation; it is tested at once and is off."""
    text = fields.get("text", "")[:LONGEST]
    try:
        rule = rules_automations.read(tomllib.loads(text.replace("\r\n", "\n")))
    except (tomllib.TOMLDecodeError, BadAutomation) as error:
        return _page(visit, 422, problem=str(error), typed=text)
    automations.save(visit.session, rule, visit.now)
    return test(visit, {"name": rule.name})


def test(visit: Visit, fields: Mapping[str, str]) -> Response:
    kept = BUTTONS.kept(visit, fields)
    would = automations.try_automation(visit.session, kept, visit.now)
    return _page(visit, would=would, tried=kept.rule.name)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    typed: str = EXAMPLE,
    would: Sequence[PlannedChanges] | None = None,
    tried: str = "",
) -> Response:
    return visit.html(
        "admin/automations.html",
        status,
        automations=[(kept, rules_automations.words(kept.rule)) for kept in automations.list_all(visit.session)],
        leads=visit.may(Verb.MANAGE),
        problem=problem,
        typed=typed,
        would=would,
        tried=tried,
    )


BUTTONS = RuleButtons(
    "/automations",
    "automation",
    automations.get,
    automations.set_active,
    automations.remove,
    BadAutomation,
    lambda visit, why: _page(visit, 422, problem=why),
)
