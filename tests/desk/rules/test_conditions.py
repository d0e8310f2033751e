"""Conditions and actions: what is not understood is refused with its place; what is understood means one thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.priority.levels import Priority
from desk.rules import actions, conditions, macros
from desk.rules.actions import Action, BadAction
from desk.rules.conditions import BadCondition, hold, read
from desk.rules.ticket_facts import Around, facts_of_ticket
from desk.tickets.ticket import Ticket

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TICKET = Ticket(
    7, "Rückerstattung für Bestellung", 1, NOW - timedelta(hours=3), NOW - timedelta(hours=1),
    priority=Priority.HIGH, category="Billing / Refund", tags=("vip", "Köln"), fields={"cost_centre": 4711},
)  # fmt: skip
FACTS = facts_of_ticket(
    TICKET, Around("ada@corp.example.test", "Ada", organisation="Corp", text="Please refund the bill"), NOW
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "category", "is": "billing / refund"}, True),
        ({"field": "category", "is": "Billing"}, False),
        ({"field": "category", "under": "Billing"}, True),
        ({"field": "category", "under": "Bill"}, False),
        ({"field": "subject", "contains": "RUCKERSTATTUNG"}, True),
        ({"field": "text", "word": "bill"}, True),
        ({"field": "text", "word": "fund"}, False),
        ({"field": "tags", "is": "koln"}, True),
        ({"field": "tags", "is_not": "vip"}, False),
        ({"field": "domain", "like": "*.example.test"}, True),
        ({"field": "priority", "in": ["urgent", "high"]}, True),
        ({"field": "age_hours", "above": 2.5}, True),
        ({"field": "idle_hours", "below": 1}, False),
        ({"field": "field.cost_centre", "is": 4711}, True),
        ({"field": "field.cost_centre", "set": False}, False),
        ({"field": "plan", "set": False}, True),
        ({"field": "vip", "is": False}, True),
        ({"any": [{"field": "channel", "is": "slack"}, {"field": "channel", "is": "email"}]}, True),
        ({"not": {"field": "channel", "is": "email"}}, False),
        ({"all": []}, True),
    ],
)
def test_a_condition_asks_one_question(condition: dict[str, Any], holds: bool) -> None:
    assert hold(read([condition]), FACTS) is holds


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("category", "should be a list"),
        ([7], r"conditions\[0\]"),
        ([{"field": "colour", "is": "red"}], "'colour' is no field"),
        ([{"field": "category", "equals": "x"}], "category needs one of"),
        ([{"field": "category"}], "category needs one of"),
        ([{"field": "age_hours", "above": "two"}], "should be a number"),
        ([{"any": [{"field": "tags", "in": "vip"}]}], r"conditions\[0\].any\[0\].in should be a list"),
        ([{"not": [{"not": [{"not": [{"not": [{"not": []}]}]}]}]}], "levels"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(given: Any, said: str) -> None:
    with pytest.raises(BadCondition, match=said):
        read(given)


def test_conditions_say_themselves_in_words() -> None:
    made = read([{"field": "category", "under": "Billing"}, {"not": {"field": "tags", "in": ["a", "b"]}}])
    assert conditions.words(made) == "category under Billing, not (tags in a, b)"
    assert conditions.words(()) == "always"


@given(st.text(), st.text(max_size=100))
def test_no_text_breaks_a_comparison(value: str, wanted: str) -> None:
    for op in ("is", "contains", "word", "under", "starts", "ends", "like"):
        hold(read([{"field": "subject", op: wanted}]), {"subject": value})


def test_actions_are_read_in_order_from_a_list_or_a_mapping() -> None:
    wanted = (Action("team", "Billing"), Action("tag", ("refund",)))
    assert actions.read([{"team": "Billing"}, {"tag": "refund"}]) == wanted
    assert actions.read({"team": "Billing", "tag": ["refund"]}) == wanted


@pytest.mark.parametrize(
    "given",
    [[{"team": ""}], [{"fly": "x"}], [{"status": "lost"}], [{"priority": 3}], [{"snooze_hours": -1}], [{"field": {}}],
     [{"team": "a", "tag": "b"}], "team"],
)  # fmt: skip
def test_an_action_that_cannot_be_meant_is_refused(given: Any) -> None:
    with pytest.raises(BadAction):
        actions.read(given)


def test_a_text_is_filled_by_plain_substitution_and_nothing_else() -> None:
    text = "Hello {requester.name}, {0} {} {a!r} {ticket.__class__} {unknown} {{x}}"
    values = {"requester.name": "{agent}", "agent": "Eve"}
    assert macros.fill(text, values) == "Hello {agent}, {0} {} {a!r} {ticket.__class__} {unknown} {{x}}"
    assert macros.unknown(text, values) == ("ticket.__class__", "unknown", "x")
