"""A text's marks clause by clause, and which of them stand near each other.

It takes marks and tokens of a text, and returns clauses that can be asked what stands behind, before and between. It
knows of no kind of mark what it means; only a word such as "for" that leads to somebody is looked up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from desk.priority import words as priority_words
from desk.text.phrase_matcher import END, QUESTION, Mark, fold

_ENDS = frozenset({END, QUESTION, "but"})


@dataclass(frozen=True, slots=True)
class Sign:
    """Words of the text (tokens `start` to `end`) and what they say."""

    start: int
    end: int
    says: str
    kind: str = ""


_NO_MARKS: list[Mark] = []


class Clause:
    """The marks between two ends of a sentence or "but", by kind and in the order of the text."""

    __slots__ = ("by_kind", "tokens")

    def __init__(self, by_kind: dict[str, list[Mark]], tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.by_kind = by_kind

    def of(self, *kinds: str) -> list[Mark]:
        """The marks of these kinds, kind by kind."""
        if len(kinds) == 1:
            return self.by_kind.get(kinds[0], _NO_MARKS)
        return [mark for kind in kinds if kind in self.by_kind for mark in self.by_kind[kind]]

    def behind(self, mark: Mark | Sign, most: int, *kinds: str) -> Mark | None:
        """The nearest of these kinds that begins at most `most` words behind the mark."""
        best: Mark | None = None
        for kind in kinds:
            for found in self.by_kind.get(kind, _NO_MARKS):
                if found.start >= mark.end:
                    if found.start - mark.end <= most and (best is None or found.start < best.start):
                        best = found
                    break
        return best

    def before(self, mark: Mark | Sign, most: int, *kinds: str) -> Mark | None:
        """The nearest of these kinds that ends at most `most` words before the mark."""
        best: Mark | None = None
        for kind in kinds:
            for found in self.by_kind.get(kind, _NO_MARKS):
                if found.end > mark.start:
                    break
                if mark.start - found.end <= most and (best is None or found.start > best.start):
                    best = found
        return best

    def parted(self, one: Sign | Mark, other: Sign | Mark, *kinds: str) -> bool:
        """Whether one of these kinds stands between the two."""
        first, second = min(one.start, other.start), max(one.start, other.start)
        return any(first < m.start < second for m in self.of(*kinds))

    def for_(self, who: Sign) -> bool:
        """Whether a word such as "for" or "at" leads to them."""
        return any(fold(token) in leading() for token in self.tokens[max(0, who.start - 2) : who.start])


def clauses(marks: Sequence[Mark], tokens: Sequence[str], saying: frozenset[str]) -> Iterator[Clause]:
    """Those clauses in which a kind of `saying` stands."""
    part: dict[str, list[Mark]] = {}
    for mark in marks:
        kind = mark.kind
        if kind in _ENDS:
            if not saying.isdisjoint(part):
                yield Clause(part, tokens)
            part = {}
        elif kind in part:
            part[kind].append(mark)
        else:
            part[kind] = [mark]
    if not saying.isdisjoint(part):
        yield Clause(part, tokens)


@cache
def leading() -> frozenset[str]:
    return frozenset(fold(phrase) for kind, phrase in priority_words.rows() if kind == "for")
