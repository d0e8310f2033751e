"""Conditions in forms: any number of rows and groups, by buttons that send the form; what was typed comes back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.admin import condition_form
from console.admin.condition_form import Group, Row
from desk.rules import conditions
from storage.routing import rules as routing_rules
from storage.sla import policies as sla_policies
from tests.console.conftest import Browser, Console

_ROW = re.compile(r'name="field(\w+)"')
GROUPS = [
    {"field": "subject", "contains": "refund"},
    {"any": [{"field": "category", "under": "Billing"}, {"field": "priority", "in": ["high", "urgent"]}]},
    {"not": [{"field": "vip", "set": True}]},
]


def fields_of(groups: condition_form.Groups) -> dict[str, str]:
    """What a browser would send."""
    sent: dict[str, str] = {}
    for number, group in enumerate(groups):
        sent |= {f"kind{number}": group.kind} if number else {}
        for place, row in enumerate(group.rows):
            key = f"{number}_{place}" if number else str(place)
            sent |= {f"field{key}": row.field, f"op{key}": row.op, f"value{key}": row.value}
    return sent


def test_what_is_kept_is_shown_as_rows_and_comes_back_the_same() -> None:
    rows = condition_form.rows_of(GROUPS)
    assert rows and [group.kind for group in rows] == ["", "any", "not"]
    assert rows[1].rows[1] == Row("priority", "in", "high, urgent")
    assert condition_form.conditions(condition_form.rows_of_form(fields_of(rows))) == GROUPS


def test_what_is_nested_deeper_is_left_to_json() -> None:
    assert condition_form.rows_of([{"any": [{"all": [{"field": "subject", "is": "x"}]}]}]) is None
    assert condition_form.rows_of([{"field": "tags", "in": ["a, b"]}]) is None


def test_buttons_add_and_take_away_rows_and_groups() -> None:
    groups = (Group("", (Row("subject", "is", "x"), Row())), Group("any", (Row("team", "is", "IT"),)))
    more = condition_form.edited(groups, "row-0")
    assert more and len(more[0].rows) == 3 and more[1] == groups[1]
    less = condition_form.edited(groups, "drop-0_0")
    assert less and less[0].rows == (Row(),)
    assert condition_form.edited(groups, "drop-group-1") == groups[:1]
    assert condition_form.edited(groups, "drop-group-0") == groups
    added = condition_form.edited(groups, "group-0")
    assert added and added[2].kind == "any"
    assert condition_form.edited(groups, "row-9") == groups and condition_form.edited(groups, "preview") is None


@given(st.dictionaries(st.from_regex(r"(field|op|value|kind)\w{0,5}", fullmatch=True), st.text(max_size=8)), st.text())
def test_no_form_breaks_it(fields: dict[str, str], do: str) -> None:
    groups = condition_form.rows_of_form(fields)
    condition_form.edited(groups, do)
    try:
        made = condition_form.conditions(groups)
        conditions.read(made)
    except conditions.BadCondition:
        return
    shown = condition_form.rows_of(made)
    assert shown is None or condition_form.conditions(shown) == made


@pytest.mark.parametrize(("path", "others"), [("/routing/add", "/routing"), ("/sla/policies/new", "/sla/policies/new")])
def test_a_form_grows_by_its_buttons_and_keeps_what_is_typed(
    console: Console, bob: Browser, path: str, others: str
) -> None:
    typed = {"name": "Many", "field0": "subject", "op0": "contains", "value0": "one"}
    page = bob.press(path, others, **typed, **{f"field{n}": "" for n in (1, 2)}, do="row-0").text
    assert len(_ROW.findall(page)) == 4 and 'value="one"' in page and 'value="Many"' in page
    page = bob.press(path, others, **typed, do="group-0").text
    assert _ROW.findall(page) == ["0", "1_0", "1_1"] and "any of these" in page
    with console.store.database.reading() as session:
        assert not routing_rules.list_all(session) and not sla_policies.list_all(session)


def test_a_rule_of_many_conditions_and_a_group_is_kept_and_edited(console: Console, bob: Browser) -> None:
    fields = {"name": "Many", "team": "IT"}
    for number in range(6):
        fields |= {f"field{number}": "subject", f"op{number}": "contains", f"value{number}": f"word{number}"}
    fields |= {"kind1": "any", "field1_0": "sender", "op1_0": "is", "value1_0": "a@x.test"}
    fields |= {"field1_1": "vip", "op1_1": "set", "value1_1": "yes"}
    bob.press("/routing/add", "/routing", **fields)
    with console.store.database.reading() as session:
        kept = routing_rules.get_by_name(session, "Many")
    assert kept and len(kept.conditions) == 7
    assert kept.conditions[6] == {"any": [{"field": "sender", "is": "a@x.test"}, {"field": "vip", "set": True}]}
    page = bob.get("/routing?rule=Many").text
    assert _ROW.findall(page) == [*map(str, range(6)), "1_0", "1_1"] and 'value="word5"' in page


def test_a_policy_is_kept_by_rows_and_shown_as_them(console: Console, bob: Browser) -> None:
    page = "/sla/policies/new"
    fields = {"name": "Corp", "first_response.high": "30", "warn_percent": "80", "active": "1", "do": "save"}
    fields |= {"field0": "organisation", "op0": "is", "value0": "Corp"}
    assert bob.press(page, page, **fields).status_code == 303
    with console.store.database.reading() as session:
        (row,) = sla_policies.list_all(session)
    assert list(row.conditions) == [{"field": "organisation", "is": "Corp"}]
    shown = bob.get(f"/sla/policies/{row.id}").text
    assert 'name="value0" maxlength="200" value="Corp"' in shown
