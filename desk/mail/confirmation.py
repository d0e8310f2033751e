"""Where a line says that something works again or is solved: "Email is working again", "Problem solved".

It takes a line and what the table of courtesies knows in it, and returns the places of the tokens that say so. What
works may stand in front in words that no table knows ("the printer in our office"), if they are few and none of them
doubts, limits or tells of somebody: "only", "if", "I hope". "Is back" says it of a service and "is gone" of a fault,
never the other way round. The words are in desk/text/mail_words/confirmations.tsv. Precision first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from desk.text import mail_words
from desk.text.phrase_matcher import Mark, Phrases, fold

_CONFIRMS = frozenset({"again", "works", "back", "gone"})
_MOST_WORDS, _MOST_GLUED = 6, 14
"""Words in front of the phrase; signs, where writing has no spaces."""


def places(line: str, courtesies: Sequence[Mark]) -> frozenset[int]:
    """The tokens of the line by which it confirms, those of what works included."""
    marks, tokens = _table().find(line)
    kinds: dict[int, set[str]] = {}
    for mark in (*marks, *courtesies):
        for place in range(mark.start, mark.end):
            kinds.setdefault(place, set()).add(mark.kind)
    confirmed: set[int] = set()
    for mark in marks:
        if mark.kind not in _CONFIRMS or any(_says_more(each, mark) for each in courtesies):
            continue
        subject = _subject(tokens, mark.start, kinds)
        if not _fits(mark.kind, subject, kinds):
            continue
        if subject is not None or mark.kind == "works":
            confirmed |= (subject or frozenset()) | set(range(mark.start, mark.end))
    return frozenset(confirmed)


def _fits(kind: str, subject: frozenset[int] | None, kinds: Mapping[int, set[str]]) -> bool:
    """Whether what stands in front makes one glad: a service that is back, a fault that is gone."""
    fault = any("fault" in kinds.get(place, ()) for place in subject or ())
    return kind not in ("back", "gone") or (bool(subject) and fault is (kind == "gone"))


def _says_more(courtesy: Mark, mark: Mark) -> bool:
    """A longer phrase has a meaning of its own: "that works for me" agrees."""
    return courtesy.start < mark.end < courtesy.end


def _subject(tokens: Sequence[str], end: int, kinds: Mapping[int, set[str]]) -> frozenset[int] | None:
    """The places of what works, in front of the phrase; None where a word there makes it no confirmation."""
    first = end
    while first > 0 and _may_stand(tokens[first - 1], kinds.get(first - 1, set())):
        first -= 1
    words = [fold(token) for token in tokens[first:end]]
    most = _MOST_GLUED if all(len(word) == 1 for word in words) else _MOST_WORDS
    doubted = any("doubt" in kinds.get(place, ()) for place in range(first, end))
    told = any(word in _small() and "lead" not in kinds.get(first + at, ()) for at, word in enumerate(words))
    return None if doubted or told or len(words) > most else frozenset(range(first, end))


def _may_stand(token: str, kinds: set[str]) -> bool:
    """Whether a word may be of what works. "De" links in a dozen languages; in Hungarian alone it is "but"."""
    return kinds - ({"no"} if fold(token) == "de" else set()) <= {"filler", "lead", "doubt", "fault"}


@cache
def _table() -> Phrases:
    return Phrases((kind, text) for _, kind, text in mail_words.rows("confirmations"))


@cache
def _small() -> frozenset[str]:
    return frozenset(fold(word) for _, _, text in mail_words.rows("small_words") for word in text.split())
