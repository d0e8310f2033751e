"""Keyword rules on their way through the worker: beside the model, never over its probability."""

from __future__ import annotations

import pytest

from desk.rules.keyword_rules import BadRule, Rule, words_of
from storage.learning import categories, keyword_rules
from storage.learning.keyword_rules import StoredKeywordRule
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import CAROL, SmallDesk

LOGIN = "I cannot log in to my account, the password reset does not work"


def kept(desk: SmallDesk, name: str) -> StoredKeywordRule:
    with desk.store.database.reading() as session:
        found = keyword_rules.get(session, name)
    assert found is not None
    return found


def add(desk: SmallDesk, rule: Rule, *, on: bool = True) -> None:
    with desk.store.database.transaction() as session:
        keyword_rules.save(session, rule, desk.now)
        if on:
            made = keyword_rules.get(session, rule.name)
            assert made is not None
            keyword_rules.run_test(session, made, desk.now)
            keyword_rules.set_active(session, keyword_rules.get(session, rule.name) or made, on=True)


def prediction(desk: SmallDesk, number: int) -> dict[str, object]:
    with desk.store.database.reading() as session:
        found = tickets.prediction_of(session, number)
    assert found is not None
    return found


def test_a_hard_rule_decides_and_the_models_own_guess_stands_beside_it(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(CAROL, "Login", LOGIN))
    add(desk, Rule("portal", "Partners", words_of(some=["password reset"]), hard=True))
    desk.context = type(desk.context)(desk.store, desk.context.categoriser, now=desk.context.now)
    desk.receive(desk.mail("dan@home.example.test", "Login", LOGIN + "!"))
    before, after = prediction(desk, 1), prediction(desk, 2)
    assert desk.ticket(2).category == "Partners"
    assert (after["category"], after["outcome"]) == (before["category"], before["outcome"])
    assert after["probability"] == pytest.approx(before["probability"])
    assert (after["rule"], after["rule_category"]) == ("rule “portal”: the text has “password reset”", "Partners")
    assert (after["language"], after["created_at"]) == ("en", desk.now)


def test_a_soft_rule_is_heard_only_where_the_model_is_not_sure(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    add(desk, Rule("zeppelin", "Airships", words_of(some=["zeppelin"]), hard=False))
    desk.receive(desk.mail(CAROL, "Zeppelin", "zeppelin xylophone"))
    desk.receive(desk.mail("dan@home.example.test", "Login", LOGIN + " in the zeppelin"))
    unsure, sure = prediction(desk, 1), prediction(desk, 2)
    assert (unsure["outcome"] != "automatic", unsure["rule_category"]) == (True, "Airships")
    assert desk.ticket(1).category is None, "a soft rule suggests"
    assert (sure["outcome"], sure["rule"]) == ("automatic", "")


def test_a_rule_is_made_switched_off_and_must_be_tested_as_it_is(store: Store) -> None:
    desk = SmallDesk(store, delivers=False)
    add(desk, Rule("portal", "Partners", words_of(some=["reset"])), on=False)
    assert not kept(desk, "portal").active
    with pytest.raises(BadRule, match="tested"), store.database.transaction() as session:
        keyword_rules.set_active(session, kept(desk, "portal"), on=True)
    add(desk, Rule("portal", "Partners", words_of(some=["reset"])))
    assert kept(desk, "portal").active
    add(desk, Rule("portal", "Partners", words_of(some=["password"])), on=False)
    assert (kept(desk, "portal").active, kept(desk, "portal").is_tested) == (False, False)


def test_a_rule_is_tested_against_past_tickets_with_the_agents_word(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    for number in range(3):
        desk.receive(desk.mail(f"p{number}@home.example.test", "Plants", f"zeppelin xylophone {number}"))
    with any_store.database.transaction() as session:
        keyword_rules.save(session, Rule("z", "Airships", words_of(some=["zeppelin"]), hard=True), desk.now)
        made = keyword_rules.get(session, "z")
        assert made is not None
        trial = keyword_rules.run_test(session, made, desk.now)
    assert trial.sentence == "would have changed 3 tickets, 0 of them as agents had them, for 3 no agent ever said"


def test_a_new_category_is_suggested_by_its_words_before_anything_was_trained(store: Store) -> None:
    desk = SmallDesk(store, delivers=False)
    with store.database.transaction() as session:
        categories.save(session, "Airships", "zeppelin, blimp", desk.now)
    desk.receive(desk.mail(CAROL, "Blimp", "blimp xylophone"))
    assert prediction(desk, 1)["rule_category"] == "Airships"
