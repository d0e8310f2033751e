"""The page of automations: write one as TOML, see what it would have changed, switch it on, take it away.

In: forms of leads and admins. Out: rows, and the tickets of a trial. It refuses to know how a rule is run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.accuracy import LEADS
from console.door import Desk, Visit, action, page
from desk import rules
from desk.rules import BadAutomation
from storage import automations
from storage.automations import Kept, WouldDo

LONGEST = 20_000
EXAMPLE = """\
name = "Refunds to Billing"
when = { event = "opened" }
conditions = [{ field = "subject", word = "refund" }]
actions = [{ team = "Billing" }, { tag = "refund" }]
"""


def reading(desk: Desk) -> list[BaseRoute]:
    return [Route("/automations", page(desk, show), methods=["GET"])]


def acting(desk: Desk) -> list[BaseRoute]:
    verbs = {"add": add, "test": test, "switch": switch, "remove": remove}
    return [Route(f"/automations/{name}", action(desk, verb, LEADS), methods=["POST"]) for name, verb in verbs.items()]


def show(visit: Visit) -> Response:
    return _page(visit)


def add(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A new one, or another version; it is tried at once, and stays off."""
    text = fields.get("text", "")[:LONGEST]
    try:
        rule = rules.read(tomllib.loads(text.replace("\r\n", "\n")))
    except (tomllib.TOMLDecodeError, BadAutomation) as error:
        return _page(visit, 422, problem=str(error), typed=text)
    automations.put(visit.session, rule, visit.now)
    return test(visit, {"name": rule.name})


def test(visit: Visit, fields: Mapping[str, str]) -> Response:
    kept = _kept(visit, fields)
    would = automations.tried(visit.session, kept, visit.now)
    return _page(visit, would=would, tried=kept.rule.name)


def switch(visit: Visit, fields: Mapping[str, str]) -> Response:
    try:
        automations.switch(visit.session, _kept(visit, fields), on=fields.get("on") == "yes")
    except BadAutomation as error:
        return _page(visit, 422, problem=str(error))
    return RedirectResponse("/automations?done=switched", 303)


def remove(visit: Visit, fields: Mapping[str, str]) -> Response:
    automations.remove(visit.session, _kept(visit, fields))
    return RedirectResponse("/automations?done=removed", 303)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    typed: str = EXAMPLE,
    would: Sequence[WouldDo] | None = None,
    tried: str = "",
) -> Response:
    return visit.html(
        "automations.html",
        status,
        automations=[(kept, rules.words(kept.rule)) for kept in automations.every(visit.session)],
        leads=visit.agent.role in LEADS,
        problem=problem,
        typed=typed,
        would=would,
        tried=tried,
    )


def _kept(visit: Visit, fields: Mapping[str, str]) -> Kept:
    kept = automations.get(visit.session, fields.get("name", ""))
    if kept is None:
        raise HTTPException(404, "There is no such automation.")
    return kept
