"""The words that requesters read: every language says everything, with the same names in it."""

from __future__ import annotations

import re

import pytest

from desk.knowledge import csat_texts
from desk.portal import texts as portal_texts
from desk.tickets.ticket import Status

_NAMED = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", portal_texts.languages())
def test_every_language_has_the_same_sentences_with_the_same_names_in_them(language: str) -> None:
    said, english = portal_texts.words(language), portal_texts.words("en")
    assert list(said) == list(english)
    for name, sentence in said.items():
        assert sentence.strip() and sorted(_NAMED.findall(sentence)) == sorted(_NAMED.findall(english[name])), name
    assert {f"{group}.{status}" for group in ("status", "says") for status in Status} <= said.keys()


def test_they_are_the_languages_of_the_question_how_it_went() -> None:
    assert set(portal_texts.languages()) == set(csat_texts.WORDS)


@pytest.mark.parametrize(
    ("header", "otherwise", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "", "de"),
        ("en;q=0.2, fr;q=0.8, es;q=0", "", "fr"),
        ("zh, *;q=0.1", "pt-BR", "pt"),
        ("", "de", "de"),
        ("", "xx", "en"),
        ("en;q=7,;;,de;q=0.5", "", "de"),
        ("," * 10_000, "fr", "fr"),
    ],
)
def test_the_browsers_language_is_spoken_then_the_requesters_then_english(
    header: str, otherwise: str, language: str
) -> None:
    assert portal_texts.wanted(header, otherwise) == language
