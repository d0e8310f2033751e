"""Lengths of time as letters: a day's lengths are a text, texts are joined end to end, a median is read out of them.

It takes whole seconds, and returns one letter for each, and from a text of letters a Spread. Below 128 seconds a
letter is exact; above, one letter stands for all lengths within a 64th, so what is read back is at most ERROR away
from what went in. It does not know whose lengths they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil

from desk.reports.report import Spread

ERROR = 1 / 128
"""How far a median may be off, as a part of it."""
NONE = "-"
"""Where there is no length."""
SHARES = (0.5, 0.9)
"""Median and p90."""
FIRST = 0x100
"""The code of the first letter."""
_BITS = 7
_EXACT = 1 << _BITS
_STEPS = _EXACT >> 1
_LONGEST = (1 << 32) - 1


def letter(seconds: int | None) -> str:
    """The letter of a length. All of them are below U+0800, two bytes in a database."""
    if seconds is None:
        return NONE
    shift = max(0, min(seconds, _LONGEST).bit_length() - _BITS)
    return chr(FIRST + shift * _STEPS + (max(0, min(seconds, _LONGEST)) >> shift))


def length(one: str) -> int:
    """The middle of the lengths that share this letter."""
    code = ord(one) - FIRST
    if code < _EXACT:
        return code
    shift = code // _STEPS - 1
    lowest = (code - shift * _STEPS) << shift
    return lowest + ((1 << shift) - 1) // 2


def counted(letters: Iterable[str]) -> Counter[str]:
    """Letter → how often."""
    found = Counter(letters)
    del found[NONE]
    return found


def spread(letters: Mapping[str, int], total: int) -> Spread:
    """Count, median and p90 of the letters; the mean is exact, because `total` is."""
    count = sum(letters.values())
    if not count:
        return Spread()
    middle, high = (_at(letters, ceil(share * count)) for share in SHARES)
    return Spread(count, total / count, middle, high)


def _at(letters: Mapping[str, int], place: int) -> int:
    for one in sorted(letters):
        place -= letters[one]
        if place <= 0:
            return length(one)
    raise ValueError("there are fewer letters than that")
