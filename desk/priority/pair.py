"""The trained pair: how likely a text tells of many, a team or one, and of an emergency, a block or something smaller.

It takes the tokens of a text and what the rules made of it, and returns an Opinion; none where the words are strange.
The weights are in pair.json, made by `python -m cli.train_priority`; each term has whole numbers, so that asking is
plain addition. It knows no rule and no matrix but the one that it is asked with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import exp, sqrt

from desk.priority.levels import Priority
from desk.priority.signals import Impact, Urgency
from desk.priority.terms import MOST_TOKENS, START, pause, stem, word

EMERGENCY = "emergency"
_KNOWN_SHARE = 0.5
"""With fewer of its words known, a text is in another language."""
_KEPT_WORDS = 30_000
_MOST_PLACES = 3
_PAUSES = ".,"
_RARE = 2_000
"""A common word of a language may weigh, but it is no reason that anybody would understand."""
Row = tuple[int, ...]
"""A term's part of the length of a text, then its weight for each impact and each urgency."""
_Matrix = Mapping[tuple[Impact, Urgency], Priority]


@dataclass(frozen=True, slots=True)
class Opinion:
    """The chance of each impact and urgency, and which words weighed, the heaviest first."""

    impacts: Mapping[Impact, float]
    urgencies: Mapping[str, float]
    _rows: Sequence[tuple[int, int, Row]]

    def best(self, by: _Matrix) -> tuple[float, Impact, str]:
        """How likely the likeliest priority of this matrix is, and the likeliest way to it."""
        chances = dict.fromkeys(Priority, 0.0)
        ways: dict[Priority, tuple[float, Impact, str]] = {}
        for impact, likely in self.impacts.items():
            for urgency, bad in self.urgencies.items():
                level = by[(Impact.MANY, Urgency.BLOCKED) if urgency == EMERGENCY else (impact, Urgency(urgency))]
                chances[level] += likely * bad
                ways[level] = max(ways.get(level, (0.0, impact, urgency)), (likely * bad, impact, urgency))
        level = max(chances, key=chances.__getitem__)
        return chances[level], *ways[level][1:]

    @property
    def telling_words(self) -> int:
        """How many words that are not common in their language weighed."""
        return len({start for start, end, row in self._rows if end == start + 1 and row[0] >= _RARE})

    def weighed(self, impact: Impact, urgency: str) -> list[tuple[int, int]]:
        """From which token to which the words stand that spoke most for this way, in the order of the text."""
        column, other = 1 + list(Impact).index(impact), 1 + len(Impact) + list(self.urgencies).index(urgency)
        sizes = len(Impact), len(self.urgencies)
        telling = [row for row in self._rows if row[2][0] >= _RARE]
        told = [(_lean(row, column, other, sizes), start, end) for start, end, row in telling]
        places: list[tuple[int, int]] = []
        for lean, start, end in sorted(told, reverse=True):
            if lean <= 0 or len(places) == _MOST_PLACES:
                break
            if all(end <= taken[0] or start >= taken[1] for taken in places):
                places.append((start, end))
        return sorted(places)


class Pair:
    """The weights of both models, ready to be asked."""

    def __init__(self, source: str) -> None:
        read = json.loads(source)
        self.made_from: str = read["made_from"]
        self._unit: int = read["unit"]
        self._urgencies: list[str] = read["urgencies"]
        self._start: Row = tuple(read["start"])
        self._traits: dict[str, Row] = {term: tuple(row) for term, row in read["traits"].items()}
        self._terms: dict[str, Row] = {term: tuple(row) for term, row in read["terms"].items()}
        self._words: dict[str, tuple[str, Row | None, bool]] = {}

    def opinion(self, tokens: Sequence[str], traits: set[str]) -> Opinion | None:
        """What the words and the rules' traits say; None where most words are unknown."""
        rows, strange, known, before = [], 0, 0, START
        for place, token in enumerate(tokens[:MOST_TOKENS]):
            term, row, is_known = self._words.get(token) or self._learn(token)
            if not term or term == before:
                before = term or pause(token) or before
                continue
            known, strange = known + is_known, strange + (not is_known)
            if row:
                rows.append((place, place + 1, row))
            row = self._terms.get(f"{before} {term}")
            if row:
                rows.append((place - (before not in _PAUSES), place + 1, row))
            before = term
        if not rows or known < _KNOWN_SHARE * (known + strange):
            return None
        sums = [sum(column) for column in zip(*[row for _, _, row in rows], strict=True)]
        length = sqrt(sums[0])
        own = [sum(column) for column in zip(self._start, *self._rows_of(traits), strict=True)]
        scores = [(fixed + told / length) / self._unit for fixed, told in zip(own, sums[1:], strict=True)]
        impacts = dict(zip(Impact, _chances(scores[: len(Impact)]), strict=True))
        return Opinion(impacts, dict(zip(self._urgencies, _chances(scores[len(Impact) :]), strict=True)), rows)

    def _rows_of(self, traits: set[str]) -> list[Row]:
        return [self._traits[trait] for trait in traits if trait in self._traits]

    def _learn(self, token: str) -> tuple[str, Row | None, bool]:
        """The token's term and the weights of it and its beginning together; kept, because words repeat."""
        term = word(token)
        rows = [row for row in (self._terms.get(term), self._terms.get(stem(term))) if row] if term else []
        row = tuple(map(sum, zip(*rows, strict=True))) if rows else None
        if len(self._words) >= _KEPT_WORDS:
            self._words.clear()
        self._words[token] = learnt = (term, row, term in self._terms and term != "?")
        return learnt


@cache
def trained() -> Pair:
    """The pair as shipped, read once."""
    return Pair(resources.files(__package__).joinpath("pair.json").read_text(encoding="utf-8"))


def _lean(row: Row, column: int, other: int, sizes: tuple[int, int]) -> float:
    """How much more the term speaks for these two than for the others."""
    impacts, urgencies = row[1 : 1 + sizes[0]], row[1 + sizes[0] :]
    return row[column] - sum(impacts) / sizes[0] + row[other] - sum(urgencies) / sizes[1]


def _chances(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [exp(score - top) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]
