"""What a model is, in words: nobody reads "active" beside one example and has to guess what that means."""

from __future__ import annotations

import pytest

from desk.learning.learning import Figures, verdict
from desk.learning.model_standing import standing


@pytest.mark.parametrize(
    ("made_by", "report", "name", "words"),
    [
        ("shipped", {}, "starter", "no ticket of this desk"),
        ("retrain", {"said": 0, "silent": 0, "hinted": ["Plants"]}, "starter and hints", "the words of 1 category"),
        ("retrain", {"said": 1, "silent": 2, "hinted": ["A", "B"]}, "on trial", "1 word of agents, 2 tickets"),
        ("command", {"said": 1, "silent": 0}, "on trial", "149 are missing"),
        ("retrain", {"said": 200, "evaluation": {"count": 40}}, "own model", "newest 40"),
        ("import", {}, "taken in", "made elsewhere"),
    ],
)
def test_a_model_is_told_in_words(made_by: str, report: dict[str, object], name: str, words: str) -> None:
    found = standing(made_by, report)
    assert found.name == name and words in found.words


def test_what_cannot_be_compared_says_so() -> None:
    takes_over, why = verdict(Figures(0, 0.0), None)
    assert takes_over and "nothing to compare it by yet" in why and "30 are needed" in why
