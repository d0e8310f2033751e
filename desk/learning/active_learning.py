"""Which tickets teach the most: those that the model hesitates about, of many kinds, not many of one kind.

It takes what is open, with the categories that the model hesitates between, and returns an order. It does not know
where the tickets are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

MOST_OF_A_REQUESTER = 2


class Open(Protocol):
    """What must be known of an open question."""

    @property
    def requester_id(self) -> int: ...
    @property
    def choices(self) -> Sequence[tuple[str, float]]: ...


T = TypeVar("T", bound=Open)


def hesitation(one: Open) -> float:
    """1: it could be either of two; 0: there is no second."""
    if len(one.choices) < 2:
        return 0.0
    (_, first), (_, second) = one.choices[:2]
    return 1 - (first - second) / max(first, 1e-9)


def most_useful(doubts: Sequence[T], most: int) -> list[T]:
    """The most hesitant first, but every likeliest category before a second of one, and few of one requester."""
    turn: Counter[str] = Counter()
    of_requester: Counter[int] = Counter()
    ranked: list[tuple[int, float, int, T]] = []
    for one in sorted(doubts, key=hesitation, reverse=True):
        kind = one.choices[0][0] if one.choices else ""
        of_requester[one.requester_id] += 1
        if of_requester[one.requester_id] <= MOST_OF_A_REQUESTER:
            ranked.append((turn[kind], -hesitation(one), len(ranked), one))
            turn[kind] += 1
    return [one for *_, one in sorted(ranked, key=lambda entry: entry[:3])[:most]]
