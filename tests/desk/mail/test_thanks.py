"""A closing courtesy is recognised in many languages; whatever wants something is none (languages/courtesies.tsv)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.thanks import MOST_CHARACTERS, Courtesy, courtesy_of, is_courtesy

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "languages" / "courtesies.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
COURTESIES = [text.replace("\\n", "\n") for kind, text in ROWS if kind == "courtesy"]
WANTS = [text.replace("\\n", "\n") for kind, text in ROWS if kind == "wants"]


@pytest.mark.parametrize("text", COURTESIES)
def test_a_closing_courtesy_is_one(text: str) -> None:
    assert is_courtesy(text)


@pytest.mark.parametrize("text", WANTS)
def test_what_wants_something_is_no_courtesy(text: str) -> None:
    assert not is_courtesy(text)


def test_there_are_enough_examples() -> None:
    assert len(ROWS) >= 120


def test_a_file_is_more_than_a_courtesy() -> None:
    assert not is_courtesy("Thanks!", files=True)


def test_a_bare_thanks_is_told_from_an_agreement() -> None:
    assert courtesy_of("Thank you very much!") is Courtesy.THANKS
    assert courtesy_of("Ok, thanks") is Courtesy.DONE


@given(st.sampled_from(COURTESIES), st.sampled_from(WANTS))
def test_a_courtesy_before_a_request_is_a_request(courtesy: str, wants: str) -> None:
    # Greetings and closings alone become courteous beside a thanks; the others want something in any company.
    if wants not in ("Good morning", "Kind regards\nJo"):
        assert not is_courtesy(f"{courtesy}\n{wants}")


@given(st.sampled_from(COURTESIES), st.text())
def test_a_question_mark_or_a_number_always_reopens(courtesy: str, more: str) -> None:
    assert not is_courtesy(f"{courtesy} {more}?")
    assert not is_courtesy(f"{courtesy} {more} 12")


@given(st.text(max_size=MOST_CHARACTERS * 2))
def test_any_text_gets_an_answer(text: str) -> None:
    assert courtesy_of(text) in Courtesy
