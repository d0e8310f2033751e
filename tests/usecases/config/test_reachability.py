"""What `apply` says of rules that can never fire on this desk."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest

from cli.data.apply import STARTERS, starters
from desk.config.desk_toml import read
from storage.open_store import Store
from usecases.config import apply as configuration
from usecases.config import reachability

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HEAD = "[[team]]\nname = 'Support'\n"


def said(store: Store, text: str) -> list[str]:
    with store.database.transaction() as session:
        configuration.apply(session, read(tomllib.loads(text)), NOW)
        return reachability.unreachable(session)


@pytest.mark.parametrize("name", starters())
def test_every_rule_of_a_starter_set_can_fire(store: Store, name: str) -> None:
    assert said(store, (STARTERS / f"{name}.toml").read_text()) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("[[route]]\nname = 'A'\nconditions = [{ field = 'category', is = 'Billling' }]\nactions = [{ tag = 'x' }]",
         "[[route]] 'A' can never fire: it asks whether category is Billling"),
        ("[[route]]\nname = 'B'\nconditions = [{ field = 'tags', is = 'vip' }]\nactions = [{ team = 'Support' }]",
         "[[route]] 'B' can never fire: it asks whether tags is vip"),
        ("[[sla]]\nname = 'C'\nconditions = [{ field = 'plan', is = 'gold' }]\n"
         "targets = { first_response = { high = '1h' } }",
         "[[sla]] 'C' can never fire: it asks whether plan is gold"),
        ("[[automation]]\nname = 'D'\nwhen = { event = 'opened' }\nconditions = [{ field = 'team', is = 'Sales' }]\n"
         "actions = [{ tag = 'x' }]\nactive = true",
         "[[automation]] 'D' can never fire: it asks whether team is Sales"),
        ("[[automation]]\nname = 'E'\nwhen = { event = 'opened' }\n"
         "conditions = [{ field = 'field.seats', above = 3 }]\nactions = [{ tag = 'x' }]\nactive = true",
         "[[automation]] 'E' can never fire: it asks whether field.seats above 3"),
        ("[[route]]\nname = 'F'\nconditions = []\nactions = [{ team = 'Support' }]\nposition = 1\n"
         "[[route]]\nname = 'G'\nconditions = [{ field = 'category', under = 'HR' }]\nactions = [{ tag = 'x' }]\n"
         "position = 2",
         "[[route]] 'G' can never fire: 'F' comes first"),
    ],
    ids="ABCDEF",
)  # fmt: skip
def test_a_rule_that_can_never_fire_is_named_with_the_reason(any_store: Store, rule: str, words: str) -> None:
    found = said(any_store, HEAD + rule)
    assert [sentence.startswith(words) for sentence in found] == [True], found


@pytest.mark.parametrize(
    "more",
    [
        "[[category]]\nname = 'Plants'\nwords = 'plant watering'\n",
        "[[keyword_rule]]\nname = 'P'\ncategory = 'Plants'\nany = ['plant']\n",
        "[[macro]]\nname = 'M'\ntext = 'x'\nactions = [{ category = 'Plants' }]\n",
    ],
    ids=["a category of the desk", "a keyword rule sets it", "a macro sets it"],
)
def test_a_value_that_something_makes_is_no_fault(store: Store, more: str) -> None:
    rule = "[[route]]\nname = 'A'\nconditions = [{ field = 'category', is = 'Plants' }]\nactions = [{ tag = 'x' }]\n"
    assert said(store, HEAD + rule + more) == []


def test_a_rule_that_is_off_is_not_looked_at(store: Store) -> None:
    rule = (
        "[[route]]\nname = 'A'\nconditions = [{ field = 'plan', is = 'x' }]\nactions = [{ tag = 'x' }]\nactive = false"
    )
    assert said(store, HEAD + rule) == []
