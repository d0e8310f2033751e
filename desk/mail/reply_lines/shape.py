"""Recognises the line above a quote by its shape alone, in languages and wordings that no table has.

Such a line names an address or a moment, has few other words, and ends in a colon of any script. The quote right below
it, if there is one, makes less proof enough.
"""

from __future__ import annotations

import re
from itertools import pairwise

COLONS = ":：׃៖։․﹕︰"
"""The colons of Latin, Chinese, Hebrew, Khmer and Armenian."""
INVISIBLE = " \t\u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
MAX_LENGTH = 300
MOST_WORDS = 16
FEW_WORDS = 7
EARLY = 8
"""A date begins among the first characters, or behind a weekday."""
MOST_BEFORE = 5
"""A name and a verb stand before an address that comes before the date; more is a sentence."""

_BRACKETED = re.compile(r"[<(\[]{1,2} ?[^\s<>()\[\]]{1,128}@[^\s<>()\[\]]{1,200} ?[>)\]]{1,2}")
_BARE = re.compile(r"[^\s<>\"(),;:]{1,128}@[^\s<>\"(),;:]{1,200}")
_CLOCK = re.compile(
    r"(?<![\d.:])\d{1,2}\s?(?:[:h時时시點点٫]\s?\d{2}|\.\d{2}(?![\d.]))|\d{1,2}\s?(?:am|pm|uhr|時|点|點|시)\b", re.I
)
_DATE = re.compile(
    r"\d{1,4}\s?[./\-年년]\s?\d{1,2}\s?[./\-月월]\s?\d{1,4}|\b\d{1,2}\b.{0,24}\b(?:19|20|25|14)\d\d|\b(?:19|20|25)\d\d\b.{0,24}\d"
)
_GREETING = re.compile(
    r"(?:dear|hello|hi|hey|hallo|liebe|sehr geehrte|guten|bonjour|cher|chère|hola|estimad|olá|car[oa]|prezad|ciao|"
    r"gentile|beste|hej|hei|moi|cześć|dzień|szanown|dobrý|ahoj|здравств|уважаем|доброго|шановн|merhaba|sayın)\w{0,4}\s",
    re.I,
)
_HEADED = re.compile(r"-{3,12} ?[^-][^@]{0,80}@.{0,100}[^-] ?-{3,12}:?")
"""Horde's `----- Message from Kim Park <kim@example.org> ---------`."""
_DASHED = re.compile(r"-{5,12} ?[^-].{2,160}[^-] ?-{5,12}:?")
_WORD = re.compile(r"[^\W\d_]{2,}")
_DIGIT = re.compile(r"\d")
_TAIL = INVISIBLE + "*_-—–>\"'”’)"


def ends_in_colon(line: str) -> bool:
    """Whether the last sign is a colon; a right-to-left line that was stored the wrong way round begins with it."""
    plain = line.strip(_TAIL)
    return plain[-1:] in tuple(COLONS) or (plain[:1] == ":" and not plain.isascii())


def is_shaped(joined: str, *, quoted: bool) -> bool:
    """Whether a line is an attribution by its shape; `quoted` says that a quoted line follows."""
    if len(joined) > MAX_LENGTH or _GREETING.match(joined):
        return False
    if joined[:3] == "---" and (_HEADED if not quoted else _DASHED).fullmatch(joined):
        return True
    named, address = _BRACKETED.search(joined), _BARE.search(joined)
    time, day = _CLOCK.search(joined) is not None, _DATE.search(joined) is not None
    colon, words = ends_in_colon(joined), _words(joined)
    if named and _words(joined[: named.start()]) > MOST_BEFORE and not _DIGIT.search(joined, 0, named.start()):
        return False
    if not quoted:
        if named is None or not (time and day and colon) or words > MOST_WORDS - FEW_WORDS:
            return False
        return _words(joined[named.end() :]) <= MOST_BEFORE or not _DIGIT.search(joined, 0, named.start())
    if named and (time or day):
        return words <= MOST_WORDS
    if not colon:
        return False
    if address:
        return words <= (MOST_WORDS if day else FEW_WORDS)
    return day and words <= FEW_WORDS + 3 * time and _may_name_somebody(joined)


def is_bracketed(text: str) -> bool:
    """Whether it has an address in brackets."""
    return _BRACKETED.search(text) is not None


def is_addressed(text: str) -> bool:
    """Whether it has an address in brackets, or ends with one."""
    return is_bracketed(text) or _BARE.search(text.split(" ")[-1]) is not None


def has_moment(text: str) -> bool:
    """Whether it has a date and a time."""
    return _CLOCK.search(text) is not None and _DATE.search(text) is not None


def _may_name_somebody(joined: str) -> bool:
    """Whether it begins with a date, or has two words with capitals side by side, or a script without capitals."""
    if _DIGIT.search(joined, 0, EARLY) or not any(map(str.islower, joined)):
        return True
    words = [word.strip("\"'(,") for word in joined.split(" ")]
    return any(one[:1].isupper() and two[:1].isupper() for one, two in pairwise(words))


def _words(joined: str) -> int:
    """How many words stand beside addresses."""
    return len(_WORD.findall(_BARE.sub(" ", joined)))
