"""Is a message nothing but a closing courtesy: thanks, "works now", a wish for a nice day?

It takes the new words of a message and whether files came with it, and returns which kind of courtesy, or none.
Precision first: every single word must be known as courteous, be a name beside it, or the message counts as one that
wants something. The words are in desk/text/mail_words/courtesies.tsv; what confirms: `confirmation.py`. It knows no
ticket; what a courtesy leaves closed is said there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache

from desk.mail import confirmation
from desk.priority import signals as priority_signals
from desk.text import mail_words
from desk.text.phrase_matcher import END, NUMBER, QUESTION, SOFT, Phrases

MOST_CHARACTERS, MOST_LINES = 400, 12
_NAME_WORDS = 3
_PLEASED = frozenset(
    "👍👌🙏🙌👏😀😃😄😁😊🙂😉☺😇🥰😍🤗💪✅✔☑🎉🥳❤💚💙🧡💛💜🖤🤍💯🌟⭐✨☀🌞🌻🌷🌹💐🤝👋😎🫶🏻🏼🏽🏾🏿♥♀♂"
)
"""Symbols that please; any other says something that is not understood here."""
_STRUCTURE = frozenset({END, SOFT})


class Courtesy(StrEnum):
    """NONE: it wants something. THANKS: thanks and no more. DONE: it says that all is well, or agrees. WORKS: it
    confirms that what was asked for works again or is solved."""

    NONE = "none"
    THANKS = "thanks"
    DONE = "done"
    WORKS = "works"


def is_courtesy(reply: str, *, files: bool = False) -> bool:
    """Whether nobody has to read this to do something."""
    return courtesy_of(reply, files=files) is not Courtesy.NONE


def courtesy_of(reply: str, *, files: bool = False) -> Courtesy:
    """What kind of courtesy the new words are."""
    text = unicodedata.normalize("NFC", reply).strip()
    if files or not text or len(text) > MOST_CHARACTERS or text.count("\n") > MOST_LINES:
        return Courtesy.NONE
    symbols = [letter for letter in text if unicodedata.category(letter) in ("So", "Sk", "Sm", "Sc")]
    if not _PLEASED.issuperset(symbols):
        return Courtesy.NONE
    said = _said(text)
    if said is None:
        return Courtesy.NONE
    if "works" in said:
        return Courtesy.WORKS
    if "thanks" in said and not said & {"done", "agreed"}:
        return Courtesy.THANKS
    return Courtesy.DONE if said & {"done", "agreed", "thanks"} or symbols else Courtesy.NONE


@cache
def _words() -> Phrases:
    return Phrases((kind, text) for _, kind, text in mail_words.rows("courtesies"))


def _said(text: str) -> set[str] | None:
    """The kinds of courtesy of which the text consists; None where it says anything else."""
    said: set[str] = set()
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        marks, tokens = _words().find(line)
        confirmed = confirmation.places(line, marks)
        marks = [mark for mark in marks if not confirmed.issuperset(range(mark.start, mark.end))]
        kinds = {mark.kind for mark in marks} | ({"works"} if confirmed else set())
        if kinds & {QUESTION, NUMBER, "no"} or "?" in line:
            return None
        known = confirmed | {place for mark in marks for place in range(mark.start, mark.end)}
        strange = [place for place in range(len(tokens)) if place not in known]
        signed = number > 0 and number >= len(lines) - 2 and len(strange) == len(tokens)
        beside = {mark.end for mark in marks if mark.kind in ("thanks", "hello", "bye", "done", "agreed")}
        if strange and not (_are_names(tokens, strange) and (signed or _follow(strange, beside))):
            return None
        said |= kinds - _STRUCTURE
    return said


def _are_names(tokens: Sequence[str], places: Sequence[int]) -> bool:
    """Whether all of these words could be somebody's name; writing without capitals has none that could be told."""
    words = [tokens[place] for place in places]
    capital = all(word[0].isupper() and word.isalpha() for word in words)
    return len(places) <= _NAME_WORDS and capital and not priority_signals.tells(" ".join(words))


def _follow(places: Sequence[int], starts: set[int]) -> bool:
    """Whether they stand in one piece, right behind a courtesy."""
    return places[0] in starts and list(places) == list(_run(places[0], len(places)))


def _run(start: int, count: int) -> Iterator[int]:
    return iter(range(start, start + count))
