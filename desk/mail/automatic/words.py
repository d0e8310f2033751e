"""Recognises an automatic answer by its words alone: absences and acknowledgements whose header says nothing.

The new words of a mail come in; the reason comes out, empty for a person's. Two kinds of phrases have to meet, one of
which says that the writer is away or a machine, and no question may be asked: people write each of them, too. The
words are in desk/text/mail_words/automatic_texts.tsv.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from functools import cache

from desk.text import mail_words

MOST_CHARACTERS, MOST_LINES = 1_200, 25
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LONGEST_START = 4
_APOSTROPHE, _PLAIN = "\u2019", "'"
_WITH_AWAY = ("later", "urgent", "thanks", "robot")
_WITH_ROBOT = ("away", "later", "thanks", "received", "silent")
_QUESTIONS = "?？؟"


def reason(reply: str) -> str:
    """Why these new words are an automatic answer; empty if they are a person's."""
    if not reply or len(reply) > MOST_CHARACTERS or reply.count("\n") > MOST_LINES:
        return ""
    if any(mark in reply for mark in _QUESTIONS):
        return ""
    tokens = reply.casefold().replace(_APOSTROPHE, _PLAIN).split()
    text, starts = f" {' '.join(tokens)}", {token[:_LONGEST_START] for token in tokens}
    for sure, others in (("robot", _WITH_ROBOT), ("away", _WITH_AWAY)):
        phrase = _phrase(text, starts, sure)
        beside = next(filter(None, (_phrase(text, starts, kind) for kind in others)), "") if phrase else ""
        if beside:
            return f"its words: {phrase!r} and {beside!r}"
    return ""


def _phrase(text: str, starts: Set[str], kind: str) -> str:
    """The phrase of a kind that stands in a text, at the begin of a word where its script has words."""
    spaced = _by_start()[kind]
    for start in sorted(spaced.keys() & starts):
        for phrase in spaced[start]:
            if f" {phrase}" in text:
                return phrase
    if text.isascii() or not _UNSPACED.search(text):
        return ""
    return next((phrase for phrase in _unspaced()[kind] if phrase in text), "")


@cache
def _by_start() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """For each kind the phrases by the first letters of their first word, but for scripts without spaces."""
    kinds: dict[str, dict[str, tuple[str, ...]]] = {}
    for _, kind, phrase in mail_words.rows("automatic_texts"):
        phrases = kinds.setdefault(kind, {})
        if not _UNSPACED.search(phrase):
            start = phrase.split()[0][:_LONGEST_START]
            phrases[start] = (*phrases.get(start, ()), phrase)
    return kinds


@cache
def _unspaced() -> Mapping[str, tuple[str, ...]]:
    return {
        kind: tuple(phrase for phrase in mail_words.texts("automatic_texts", kind) if _UNSPACED.search(phrase))
        for kind in _by_start()
    }
