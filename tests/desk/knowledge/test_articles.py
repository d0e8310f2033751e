"""Articles: which state may follow which, and a first draft that names nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.knowledge.articles import MOVES, State, draft, moved, without_persons
from desk.tickets.ticket import NotAllowed


def test_a_draft_has_question_and_answer_and_says_what_was_taken_out() -> None:
    made = draft(
        "VPN of Carol Smith",
        "My VPN does not connect. Call me: +49 30 1234567, carol@home.example.test",
        "Carol, press renew in the Kestrel app. Alice",
        ["Carol Smith", "Alice Agent", "carol@home.example.test"],
    )
    assert made.title == "VPN of [name] [name]"
    assert made.text == (
        "My VPN does not connect. Call me: [number], [address]\n\n[name], press renew in the Kestrel app. [name]"
    )
    assert ("number", "+49 30 1234567") in made.removed and ("address", "carol@home.example.test") in made.removed


def test_a_line_of_nothing_but_a_name_goes() -> None:
    assert draft("VPN", "It is broken.\n\nCarol Smith\n030 1234567\n\nSince today.", "", ["Carol Smith"]).text == (
        "It is broken.\n\nSince today."
    )


@pytest.mark.parametrize("text", ["error 4711", "in 2026-11-23", "version 3.11.2", "10.0.0.1 port 8080", "Windows 11"])
def test_numbers_of_things_stay(text: str) -> None:
    assert without_persons(text, []) == (text, [])


@pytest.mark.parametrize("text", ["DE89 3704 0044 0532 0130 00", "030/1234567", "(030) 123 45 67", "0049301234567"])
def test_numbers_of_persons_go(text: str) -> None:
    assert without_persons(text, [])[0] == "[number]"


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=4))
def test_no_text_and_no_name_breaks_a_draft(text: str, names: list[str]) -> None:
    made = draft(text, text, text, names)
    assert made.title and all(kind in ("address", "number", "name") for kind, _ in made.removed)


def test_only_leads_publish_and_no_state_is_skipped_that_the_table_does_not_know() -> None:
    assert moved(State.DRAFT, State.REVIEW, "agent") is State.REVIEW
    assert moved(State.REVIEW, State.PUBLISHED, "lead") is State.PUBLISHED
    for wanted, role in ((State.PUBLISHED, "agent"), (State.RETIRED, "agent")):
        with pytest.raises(NotAllowed, match="only leads"):
            moved(State.REVIEW, wanted, role)
    for state in State:
        for wanted in set(State) - MOVES[state] - {state}:
            with pytest.raises(NotAllowed, match="cannot become"):
                moved(state, wanted, "admin")
