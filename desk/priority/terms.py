"""The terms of a text that the trained pair has weights for: words, neighbours, beginnings of words, and signs.

It takes tokens and marks as the word tables see them and returns strings. Letter case is folded and "!" left out, so
that shouting is no term; numbers are their size. Training and asking both go through here. It knows no weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from desk.priority.signals import Signs
from desk.text.phrase_matcher import END, SOFT, Mark, fold

MOST_TOKENS = 250
"""Who has more to say has said by then what it is about."""
START = "."
LOUD = frozenset(
    [
        "achtung",
        "aiuto",
        "alert",
        "asap",
        "atencao",
        "atencion",
        "attention",
        "attenzione",
        "belangrijk",
        "dringend",
        "dringende",
        "eilig",
        "eilt",
        "emergency",
        "help",
        "hilfe",
        "immediately",
        "important",
        "importante",
        "importantissimo",
        "pilne",
        "pilnie",
        "pomocy",
        "priority",
        "secours",
        "socorro",
        "sofort",
        "spoed",
        "urgence",
        "urgencia",
        "urgent",
        "urgente",
        "urgentemente",
        "urgentes",
        "urgentissimo",
        "urgently",
        "urgenza",
        "wazne",
        "wichtig",
    ]
)
"""Words that say how loud somebody is and not what is wrong; they are no terms."""
_STEM = 5
_FEW = 5
"""From so many on a number is many people; below, a team."""


def terms(tokens: Sequence[str]) -> Iterator[str]:
    """Each word, the pair that it makes with what stands before it, and its beginning if it is long."""
    before = START
    for token in tokens[:MOST_TOKENS]:
        term = word(token)
        if term and term != before:
            yield term
            yield f"{before} {term}"
            if beginning := stem(term):
                yield beginning
        before = term or pause(token) or before


def word(token: str) -> str:
    """The token as a term; empty for punctuation, except for a question mark."""
    if token.isdecimal():
        number = int(token[:6])
        return "#1" if number == 1 else "#2" if number < _FEW else "#5"
    if not token[0].isalnum():
        return "?" if token[0] in "?？؟" else ""
    folded = fold(token)
    return "" if folded in LOUD else folded


def pause(token: str) -> str:
    """What punctuation is to the word behind it: the end of a sentence or a comma; nothing for a loud word."""
    if token[0].isalnum():
        return ""
    return "." if token[0] in ".!…。！\n" else ","


def stem(term: str) -> str:
    """The beginning of a long word, for its other endings; empty for a short one."""
    return f"{term[:_STEM]}-" if len(term) > _STEM else ""


def traits(signs: Signs, marks: Iterable[Mark]) -> set[str]:
    """What the rules make of the text, as terms that no word can be."""
    heard = {f"={signs.impact}", f"={signs.urgency}", f"={signs.impact}={signs.urgency}"}
    return heard | {mark.kind for mark in marks if mark.kind not in (END, SOFT)}
