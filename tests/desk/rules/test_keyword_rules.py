"""Which texts a keyword rule fits, and what it would have changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.keyword_rules import BadRule, Past, Rule, Rulebook, tried, words_of


def rule(name: str = "r", category: str = "c", *, hard: bool = True, position: int = 0, **words: list[str]) -> Rule:
    return Rule(name, category, words_of(**words), hard, position)


def fits(text: str, **words: list[str]) -> bool:
    return Rulebook((rule(**words),)).find(text) is not None


def test_whole_words_in_any_case_and_without_accents() -> None:
    assert fits("Où est ma FACTURE ?", some=["facture"])
    assert fits("Kündigung", some=["kundigung"])
    assert fits("kundigung", some=["Kündigung"])
    assert fits("STRASSE", some=["Straße"])
    assert not fits("manufactured", some=["facture"])
    assert not fits("reinvoiced", some=["invoice"])


def test_a_phrase_is_words_in_a_row_whatever_stands_between_them() -> None:
    assert fits("an invoice-copy, please", some=["invoice copy"])
    assert fits("Invoice\n  copy", some=["invoice copy"])
    assert not fits("invoice my copy", some=["invoice copy"])
    assert fits("the invoice invoice copy", every=["invoice", "invoice copy"])


def test_a_star_takes_every_word_that_begins_so() -> None:
    assert fits("Rechnungskopie bitte", some=["rechnung*"])
    assert not fits("Abrechnung", some=["rechnung*"])
    assert not fits("Rechnungskopie", some=["rechnung*"], none=["rechnungs*"])


def test_scripts_without_spaces_are_found_anywhere() -> None:
    assert fits("请把发票发给我", some=["发票"])
    assert fits("환불해 주세요", some=["환불"])
    assert not fits("请把合同发给我", some=["发票"])


def test_all_any_and_none_together() -> None:
    words = {"every": ["order"], "some": ["late", "missing"], "none": ["cancel"]}
    assert fits("My order is late", **words)
    assert not fits("My order", **words)
    assert not fits("It is late", **words)
    assert not fits("My order is late, cancel it", **words)


def test_hard_rules_come_first_then_the_position() -> None:
    soft = rule("soft", "s", hard=False, position=-5, some=["x"])
    later, first = rule("later", position=2, some=["x"]), rule("first", position=1, some=["x"])
    found = Rulebook((soft, later, first)).find("x")
    assert found is not None
    assert (found.rule.name, found.words) == ("first", ("x",))
    assert found.why == "rule “first”: the text has “x”"


@pytest.mark.parametrize("words", [{}, {"none": ["x"]}, {"some": ["ab*"]}, {"some": ["two words*"]}, {"some": ["!?"]}])
def test_a_rule_that_could_never_work_is_refused(words: dict[str, list[str]]) -> None:
    with pytest.raises(BadRule):
        words_of(**words)


def test_another_word_is_another_rule() -> None:
    assert rule(some=["a"]).fingerprint() == rule("other name", some=["A"]).fingerprint()
    assert rule(some=["a"]).fingerprint() != rule(some=["a"], hard=False).fingerprint()


def test_a_trial_counts_what_would_have_changed_and_who_agrees() -> None:
    def past(number: int, text: str, guessed: str | None, category: str | None, said: bool = True) -> Past:
        outcome = "automatic" if guessed else "unsure"
        return Past(number, f"s{number}", text, outcome, guessed, category, said)

    tickets = [
        past(1, "invoice", "refund", "billing"),
        past(2, "invoice", None, "refund"),
        past(3, "invoice", None, None, said=False),
        past(4, "invoice", "billing", "billing"),
        past(5, "hello", None, "billing"),
    ]
    hard = tried(rule(category="billing", some=["invoice"]), tickets)
    assert [number for number, *_ in hard.changed] == [1, 2, 3]
    assert (hard.agreed, hard.unknown, hard.fitted, hard.looked_at) == (1, 1, 4, 5)
    assert hard.sentence == "would have changed 3 tickets, 1 of them as agents had them, for 1 no agent ever said"
    soft = tried(rule(category="billing", hard=False, some=["invoice"]), tickets)
    assert [number for number, *_ in soft.changed] == [2, 3]


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=5))
def test_no_text_and_no_words_make_it_fall(text: str, typed: list[str]) -> None:
    try:
        book = Rulebook((Rule("r", "c", words_of(some=typed)),))
    except BadRule:
        return
    book.find(text)
