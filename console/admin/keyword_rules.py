"""The page of keyword rules and categories: add a rule, test it on past tickets, switch it on or off, retire a
category."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from classifier.starter import hints
from console.admin.rule_buttons import RuleButtons
from console.web.request_context import Visit
from desk.access.permissions import Verb
from desk.rules.keyword_rules import BadRule, Rule, Trial, words_of
from storage.learning import categories, keyword_rules
from storage.tickets import listings

LONGEST_NAME = 80


def show(visit: Visit) -> Response:
    return _page(visit)


def add(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Adds or changes a rule; it is tested at once and is off."""
    name, category = _text(fields, "name", LONGEST_NAME), _text(fields, "category", categories.LONGEST_NAME)
    try:
        if not name or not category:
            raise BadRule("a rule needs a name and a category")
        words = words_of(*(fields.get(kind, "").replace("\n", ",").split(",") for kind in ("all", "any", "none")))
    except BadRule as error:
        return _page(visit, 422, problem=str(error), typed=fields)
    keyword_rules.save(visit.session, Rule(name, category, words, fields.get("kind") == "hard"), visit.now)
    return test(visit, {"name": name})


def test(visit: Visit, fields: Mapping[str, str]) -> Response:
    kept = BUTTONS.kept(visit, fields)
    trial = keyword_rules.run_test(visit.session, kept, visit.now)
    return _page(visit, trial=trial, tested=kept.rule.name)


def add_category(visit: Visit, fields: Mapping[str, str]) -> Response:
    name = _text(fields, "name", categories.LONGEST_NAME)
    if not name:
        return _page(visit, 422, problem="a category needs a name")
    words = _text(fields, "words", categories.LONGEST_WORDS)
    categories.save(visit.session, name, words, visit.now)
    return RedirectResponse("/rules?done=category", 303)


def retire_category(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A retired category is not predicted after the next training; it can be reactivated."""
    own = {one.name: one for one in categories.list_all(visit.session)}
    name = fields.get("name", "")
    if name not in own and name not in hints():
        raise HTTPException(404, "There is no such category.")
    words = own[name].words if name in own else ""
    categories.save(visit.session, name, words, visit.now, active=fields.get("active") == "yes")
    return RedirectResponse("/rules?done=category", 303)


def _page(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    trial: Trial | None = None,
    tested: str = "",
) -> Response:
    own = {one.name: one for one in categories.list_all(visit.session)}
    absent = {*own, *categories.absent(visit.session)}
    starters = {name: words for name, words in hints().items() if name not in absent}
    return visit.html(
        "admin/keyword_rules.html",
        status,
        rules=keyword_rules.list_all(visit.session),
        own=list(own.values()),
        starters=starters,
        known=sorted({*own, *starters, *listings.known_categories(visit.session)}),
        leads=visit.may(Verb.MANAGE),
        problem=problem,
        typed=typed or {},
        trial=trial,
        tested=tested,
    )


def _text(fields: Mapping[str, str], name: str, most: int) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in fields.get(name, "")).split())
    return text[:most]


BUTTONS = RuleButtons(
    "/rules",
    "rule",
    keyword_rules.get,
    keyword_rules.set_active,
    keyword_rules.remove,
    BadRule,
    lambda visit, why: _page(visit, 422, problem=why),
)
