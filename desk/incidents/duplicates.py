"""Whether somebody sent the same request twice: a form pressed again, a mail sent once more, a mail and the form.

It takes two texts of one requester, and returns yes or no. Greetings, dates and times may differ, and a word or two
in a long text; any other number may not, because "invoice 4711" and "invoice 4712" are two requests.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

WITHIN = timedelta(hours=24)
AT_ONCE = timedelta(minutes=10)
"""What carries neither an id nor a date is one message if it comes again within this time of the first; later it is
another: a nightly alarm says the same every night."""
ALIKE = 0.9
"""Of the groups of three words so many must be the same."""
SHORT = 12
"""Texts of fewer words must be the same word by word."""
_GROUP, _PROBE = 3, 4
_MOST = 3000

_DATE = re.compile(
    r"\b\d{4}[./-]\d{1,2}[./-]\d{1,2}\b|\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\b|\b\d{1,2}\.\s?\d{1,2}\.(?=\s|$)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)|moin|servus|"
    r"liebe[rs]?|sehr geehrte[rs]?|bonjour|bonsoir|salut|cher|chere|hola|buenos dias|buenas (?:tardes|noches)|"
    r"estimad[oa]s?|ola|bom dia|boa (?:tarde|noite)|prezad[oa]s?|ciao|buongiorno|salve|gentile)\b"
    r"[^.!?\n]{0,60}[,!.:]?\s*(?:\n|$)"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text as it is compared."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def groups(self) -> frozenset[tuple[str, ...]]:
        return frozenset(self.words[place : place + _GROUP] for place in range(len(self.words) - _GROUP + 1))


def said(subject: str, text: str) -> Said:
    """What is left of a request without greeting, dates, marks and case; the subject counts if there is no text."""
    plain = _plain(text)
    body = _GREETING.sub("", plain.lstrip(), count=1) if _GREETING.match(plain.lstrip()) else plain
    words = _WORD.findall(_DATE.sub(" ", body)) or _WORD.findall(_DATE.sub(" ", _plain(subject)))
    numbers = sorted({word for word in words if any(letter.isdigit() for letter in word)})
    return Said(tuple(words[:_MOST]), tuple(numbers))


def line(text: str) -> str:
    """The text as probes are looked for in it: one line of small letters."""
    return " ".join(text.casefold().split())


def probes(line: str) -> tuple[str, ...]:
    """Words out of three places of a line: nearly the same text has one of them; what is short need not be asked."""
    words = line.split(" ")
    if len(words) < 3 * SHORT:
        return ("",)
    return tuple(" ".join(words[place : place + _PROBE]) for place in range(SHORT, len(words), len(words) // 3))


def is_repeat(one: Said, other: Said) -> bool:
    """Whether both say (nearly) the same."""
    if not one.words or not other.words or one.numbers != other.numbers:
        return False
    if min(len(one.words), len(other.words)) < SHORT:
        return one.words == other.words
    mine, theirs = one.groups, other.groups
    return len(mine & theirs) >= ALIKE * len(mine | theirs)


def _plain(text: str) -> str:
    if text.isascii():
        return text[:40_000].lower()
    bare = unicodedata.normalize("NFKD", text[:40_000]).casefold()
    return "".join(letter for letter in bare if not unicodedata.combining(letter))
