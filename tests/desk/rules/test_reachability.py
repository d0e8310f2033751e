"""A rule that can never fire is recognised; one that might is never called dead."""

from __future__ import annotations

from typing import Any

import pytest

from desk.rules import conditions
from desk.rules.reachability import Asking, impossible, shadowed

VALUES = {
    "team": frozenset({"Support", "Billing"}),
    "category": frozenset({"Billing / Invoice", "Billing / Refund", "Network", "Security / Phishing"}),
}


def rule(name: str, *asked: dict[str, Any], ends: bool = True, sets: frozenset[str] = frozenset()) -> Asking:
    return Asking(name, conditions.read(list(asked)), ends, sets)


@pytest.mark.parametrize(
    "asked",
    [
        {"field": "team", "is": "Bilingual"},
        {"field": "category", "under": "Hardware"},
        {"field": "category", "in": ["Printer", "Toner"]},
        {"field": "category", "starts": "hard"},
        {"any": [{"field": "team", "is": "A"}, {"field": "category", "is": "B"}]},
        {"all": [{"field": "subject", "contains": "x"}, {"field": "team", "is": "A"}]},
    ],
)
def test_a_value_that_nothing_makes_is_impossible(asked: dict[str, Any]) -> None:
    assert impossible(conditions.read([asked]), VALUES)


@pytest.mark.parametrize(
    "asked",
    [
        {"field": "team", "is": "billing"},
        {"field": "category", "under": "Billing"},
        {"field": "team", "is_not": "Bilingual"},
        {"field": "category", "set": False},
        {"not": {"field": "team", "is": "Bilingual"}},
        {"any": [{"field": "team", "is": "A"}, {"field": "subject", "contains": "x"}]},
        {"field": "tags", "is": "whatever"},
    ],
)
def test_what_may_be_or_is_not_known_is_possible(asked: dict[str, Any]) -> None:
    assert impossible(conditions.read([asked]), VALUES) == ""


def test_a_rule_behind_one_that_takes_all_of_its_tickets_never_fires() -> None:
    wide = rule("IT", {"any": [{"field": "category", "under": one} for one in ("Network", "Security")]})
    narrow = rule("Security", {"field": "category", "under": "Security"}, ends=False)
    assert shadowed([wide, narrow], VALUES) == {"Security": "'IT'"}
    assert shadowed([narrow, wide], VALUES) == {}


def test_two_rules_together_take_everything_and_one_without_conditions_too() -> None:
    parts = [rule(one, {"field": "category", "is": f"Billing / {one}"}) for one in ("Invoice", "Refund")]
    behind = rule("Money", {"field": "category", "under": "Billing"}, {"field": "subject", "contains": "x"})
    assert shadowed([*parts, behind], VALUES) == {"Money": "'Invoice' and 'Refund'"}
    assert shadowed([rule("All"), behind], VALUES) == {"Money": "'All'"}


def test_what_leaves_something_over_or_goes_on_or_asks_more_shadows_nothing() -> None:
    behind = rule("Money", {"field": "category", "under": "Billing"})
    for before in (
        rule("Invoice", {"field": "category", "is": "Billing / Invoice"}),
        rule("Tagged", {"field": "category", "under": "Billing"}, ends=False),
        rule("Gold", {"field": "category", "under": "Billing"}, {"field": "plan", "is": "gold"}),
        rule("Other", {"field": "category", "under": "Network"}, sets=frozenset({"category"})),
        rule("Not", {"not": {"field": "category", "under": "Billing"}}),
    ):
        assert shadowed([before, behind], VALUES) == {}
