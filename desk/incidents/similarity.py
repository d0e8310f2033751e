"""Which tickets tell of the same trouble: the words that many share just now, and that are not usual otherwise.

It takes the texts of those who wrote at once, and of what is usually written, and returns how alike each text is to
the common core, from 0 to 1. It knows no language: usual words are found by counting, not by a list.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MEMBER = 0.3
"""So alike, and in the incident's category: the ticket belongs to it."""
SUGGESTED_FROM_AFAR = 0.6
"""So alike that the ticket is suggested although its category is another."""
MOST_WORDS = 400
_LEAST_SHARED = 0.15
_CORE = 25
_WORD = re.compile(r"[^\W_]{2,40}")


@dataclass(frozen=True, slots=True)
class Core:
    """The words that make up an incident, with their weight; `usual` is what a member's words weigh together."""

    words: Mapping[str, float]
    usual: float

    def likeness(self, text: str) -> float:
        """How much of a member's usual weight this text has."""
        return self.weigh(words(text))

    def weigh(self, said: frozenset[str]) -> float:
        """The same of a text's words, for those who ask several cores about one text."""
        if not self.usual:
            return 0.0
        return min(sum(weight for word, weight in self.words.items() if word in said) / self.usual, 1.0)


def core(alike: Sequence[str], usual: Sequence[str]) -> Core:
    """What the texts share that the usual ones do not."""
    seeds, background = [words(text) for text in alike], [words(text) for text in usual]
    here: Counter[str] = Counter(word for seed in seeds for word in seed)
    there: Counter[str] = Counter(word for one in background for word in one)
    fewest = max(2.0, _LEAST_SHARED * len(seeds))
    weights = {}
    for word, count in here.items():
        share, before = count / max(len(seeds), 1), (there[word] + 0.5) / (len(background) + 2)
        if count >= fewest and share > 2 * before:
            weights[word] = share * math.log(share / before)
    best = dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:_CORE])
    sums = sorted((sum(best.get(word, 0.0) for word in seed) for seed in seeds), reverse=True)
    top = [value for value in sums[: (len(sums) + 1) // 2] if value > 0]
    return Core(best, sum(top) / len(top) if top else 0.0)


def words(text: str) -> frozenset[str]:
    """The different words of a text, without case and accents; scripts without spaces count in pairs of letters."""
    if text.isascii():
        return frozenset(list(dict.fromkeys(_WORD.findall(text[:20_000].lower())))[:MOST_WORDS])
    plain = unicodedata.normalize("NFKD", text[:20_000]).casefold()
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found: dict[str, None] = {}
    for match in _WORD.finditer(bare):
        word = match[0]
        found.update(dict.fromkeys(_pairs(word) if word[0] >= "\u2e80" else (word,)))
        if len(found) >= MOST_WORDS:
            break
    return frozenset(found)


def _pairs(word: str) -> list[str]:
    return [word[place : place + 2] for place in range(len(word) - 1)] or [word]
