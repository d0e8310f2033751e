"""What comes in by HTTP, cleaned and checked once for all pages and programs: text, JSON, whole numbers, days.

A page's form cannot help what a browser pastes, so NUL and halves of characters, which no database keeps, are taken out
of it. A program can: its JSON is refused with a sentence where it holds what cannot be kept.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from typing import Any, TypeVar

DEEPEST = 40
"""JSON nested deeper is meant by nobody, and whatever walks it would run out of stack."""
MOST_NUMBER = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Days near the ends of the calendar cannot be counted on from."""
_UNKEPT = re.compile("[\0\ud800-\udfff]")


Day = TypeVar("Day", date, datetime)


class BadInput(ValueError):
    """What came in cannot be taken; the text says why and what would be right."""


class NotJson(BadInput):
    """It is not JSON at all."""


def clean_text(text: str) -> str:
    """The text without NUL, and with a sign in the place of each half of a character."""
    return _UNKEPT.sub(lambda found: "" if found[0] == "\0" else "\ufffd", text)


def read_json(content: bytes | str) -> Any:
    """JSON that can be kept: no NUL, no half characters, no numbers beyond 64 bits, not nested beyond reason."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        value = json.loads(text, parse_constant=_refused_number, parse_int=_whole, parse_float=_fraction)
    except RecursionError:
        raise BadInput("this JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise NotJson("this is not JSON: it is not UTF-8") from None
    except BadInput:
        raise
    except ValueError as error:
        raise NotJson(f"this is not JSON: {_first_line(error)}") from None
    _check(value, DEEPEST)
    return value


def whole_number(text: str, most: int = MOST_NUMBER) -> int | None:
    """The number that is written in plain digits; None for anything else, and for what is larger than `most`."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 20):
        return None
    number = int(plain)
    return number if number <= most else None


def check_day(day: Day) -> Day:
    """The day, unless it is so near the ends of the calendar that counting on from it would leave it."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadInput(f"a year from {FIRST_YEAR} to {LAST_YEAR} is meant")
    return day


def _check(value: Any, deeper: int) -> None:
    if isinstance(value, str):
        if _UNKEPT.search(value):
            raise BadInput("a text holds NUL or half of a character (a lone surrogate), which cannot be kept")
    elif isinstance(value, dict | list):
        if not deeper:
            raise BadInput(f"this JSON is nested more than {DEEPEST} deep")
        for one in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(one, deeper - 1)


def _whole(text: str) -> int:
    # The length first: reading thousands of digits is slow.
    if len(text) > 20 or abs(int(text)) > MOST_NUMBER:
        raise BadInput("a number is larger than 64 bits can hold")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused_number(text)


def _refused_number(text: str) -> float:
    raise BadInput(f"{text[:20]} is no number that can be kept")


def _first_line(error: ValueError) -> str:
    return str(error).splitlines()[0][:200]
