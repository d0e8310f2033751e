"""Until when is somebody away? Read from the words of an absence notice, in many languages.

It takes subject and text, and the day on which they were written, and returns a day and whether it is the last one
away or the first one back, or None. The words and the months come from desk/text/mail_words/absence.tsv. It does not
judge whether a mail is automatic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from desk.text import mail_words

MAX_CHARACTERS = 4_000
MAX_DATES = 50
LONGEST = timedelta(days=500)
LONGEST_WITHOUT_YEAR = timedelta(days=270)
_NEAR = 48
"""How far before its date a word may stand; weekdays and articles stand between."""

_DIGITS = {**{0x660 + n: str(n) for n in range(10)}, **{0x6F0 + n: str(n) for n in range(10)}}
_NUMERIC = (
    re.compile(r"(?<!\d)(?P<y>20\d\d)\s?[-./年년]\s?(?P<m>\d{1,2})\s?[-./月월]\s?(?P<d>\d{1,2})(?!\d)\s?[日일]?"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})(?!\d)\s?[日일]?"),
    re.compile(r"(?<![\d./-])(?P<a>\d{1,2})(?P<s>[./-])\s?(?P<b>\d{1,2})(?P=s)\s?(?P<y>(?:20|25)?\d\d)(?![\d/-])"),
    re.compile(r"(?<![\d./-])(?P<a>\d{1,2})(?P<s>[./])(?P<b>\d{1,2})(?![\d/])\.?"),
)


@dataclass(frozen=True, slots=True)
class Absence:
    """The last day away, or with `back` the first day back."""

    day: date
    back: bool

    def __str__(self) -> str:
        return f"out of office, back on {self.day}" if self.back else f"out of office until {self.day}"


def read(subject: str, text: str, written: date) -> Absence | None:
    """What the notice says; None where it names no day, or is about something else."""
    source = f"{subject[:300]}\n{text[:MAX_CHARACTERS]}".casefold().translate(_DIGITS)
    if not _absent().search(source):
        return None
    found = list(_found(source, written))
    return next((one for one in found if not one.back), found[0] if found else None)


def _found(source: str, written: date) -> Iterator[Absence]:
    """The days with a word beside them that says what they are, in the order of the text."""
    places = [match for pattern in (*_NUMERIC, *_worded()) for match in pattern.finditer(source)]
    for match in sorted(places, key=re.Match.start)[:MAX_DATES]:
        day = _day(match, written)
        if day is None:
            continue
        before = source[max(0, match.start() - _NEAR) : match.start()]
        if _until().search(before) or _after().match(source, match.end()):
            yield Absence(day, back=False)
        elif _back().search(before):
            yield Absence(day, back=True)


def _day(match: re.Match[str], written: date) -> date | None:
    """The day that is meant: in the next time, and of two readings the nearer one (12/01 in America, and elsewhere)."""
    parts = match.groupdict()
    if parts.get("a"):
        pairs = [(int(parts["b"]), int(parts["a"])), (int(parts["a"]), int(parts["b"]))]
        pairs = pairs if parts["s"] == "/" else pairs[:1]
    else:
        month = parts.get("m") or ""
        pairs = [(int(month) if month.isdigit() else _months()[month], int(parts["d"]))]
    days = [
        day for month_, day_ in pairs for year in _years(parts.get("y"), written) for day in _date(year, month_, day_)
    ]
    last = written + (LONGEST if parts.get("y") else LONGEST_WITHOUT_YEAR)
    ahead = [day for day in days if written - timedelta(days=1) <= day <= last]
    return min(ahead, default=None)


def _years(year: str | None, written: date) -> tuple[int, ...]:
    if not year:
        return written.year, written.year + 1
    number = int(year)
    if number < 100:
        number += 2000
    # Thailand counts from the Buddha's death.
    return (number - 543 if number > 2400 else number,)


def _date(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:
        return []


@cache
def _months() -> dict[str, int]:
    return {text: number for number in range(1, 13) for text in mail_words.texts("absence", f"month {number}")}


@cache
def _worded() -> tuple[re.Pattern[str], ...]:
    """Dates with the name of a month, the day before it and the day behind it."""
    names = "|".join(re.escape(name) for name in sorted(_months(), key=len, reverse=True))
    ordinal = r"(?:st|nd|rd|th|er|-?го|-е)?[.ºª]?"
    link = r"(?:\s?de\s|\s?of\s|\s?ב|\s|-|,){0,3}"
    year = r"(?:[.,]?\s{0,2}(?:de\s|del\s)?(?P<y>20\d\d|25\d\d)(?!\d))?"
    return (
        re.compile(rf"(?<![\d:])(?P<d>\d{{1,2}}){ordinal}{link}(?P<m>{names})(?![^\W\d_])\.?{year}"),
        re.compile(
            rf"(?:(?<!\d)(?P<y>20\d\d)\.?\s)?(?<![^\W\d_])(?P<m>{names})\.?\s(?P<d>\d{{1,2}})(?![\d:])(?:st|nd|rd|th)?"
        ),
    )


@cache
def _absent() -> re.Pattern[str]:
    return re.compile(mail_words.alternatives("absence", "absent"))


@cache
def _until() -> re.Pattern[str]:
    return _ahead("until")


@cache
def _back() -> re.Pattern[str]:
    return _ahead("back")


def _ahead(kind: str) -> re.Pattern[str]:
    """A word of this kind, and up to the date only words without digits and without the end of a sentence."""
    words = "|".join(_whole_word(word) for word in mail_words.texts("absence", kind))
    return re.compile(rf"(?:{words})(?:[^\d.!?\n]|[.](?! )){{0,32}}$")


def _whole_word(word: str) -> str:
    """Where a script has capitals it also has spaces, and there a word stands alone."""
    escaped = re.escape(word).replace(r"\ ", r"\s{1,3}")
    return rf"(?<![^\W\d_]){escaped}(?![^\W\d_])" if word[0].upper() != word[0] else escaped


@cache
def _after() -> re.Pattern[str]:
    """A word of this kind behind the date; its own ending, or a weekday in brackets, may stand between."""
    words = mail_words.alternatives("absence", "after")
    weekday = r"(?:\s?[(（][^()（）]{1,8}[)）])?"
    return re.compile(rf"{weekday}[.]?\s?[^\W\d_]{{0,12}}['’]?[^\W\d_]{{0,3}}\s?{words}")
