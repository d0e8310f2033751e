"""Which solved requests are most like this one: TF-IDF and cosine over candidates that a search brought, with reasons.

It takes the words of a request (subject and text) and of some candidates, and returns the nearest with a likeness
from 0 to 1 and the words that made it. The subject counts double: people put what matters there. How rare a word is
comes from the shipped model's texts; a word that it never saw (a product, an error code) is the rarest. It knows
nothing of tickets, and holds nothing in memory but those rarities: the solved requests stay on disk.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from classifier.starter import shipped
from classifier.text import fold, words

SUBJECT_WEIGHT = 2.0
LEAST = 0.15
"""Below this likeness two requests share small talk."""
COMPARED = 40
"""Of more candidates than these only the likeliest are taken apart and compared."""
_SHORTEST = 3
_UNKNOWN = 1.15
"""How much rarer than the rarest known word an unknown one is taken to be."""


@dataclass(frozen=True, slots=True)
class Text:
    """What somebody asked."""

    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Near:
    """`place` is the candidate's; `because` are the shared words, the weightiest first."""

    place: int
    likeness: float
    because: tuple[str, ...]


def nearest(question: Text, candidates: Sequence[Text], most: int = 5) -> list[Near]:
    """The candidates that are most like the question, best first; none below LEAST."""
    asked = _vector(question)
    found = [_near(place, asked, _vector(candidates[place])) for place in _worth_comparing(question, candidates)]
    found = [near for near in found if near.likeness >= LEAST]
    return sorted(found, key=lambda near: (-near.likeness, near.place))[:most]


def telling(question: Text, most: int = 8) -> list[str]:
    """The words of a request to search by, as they stand in it: those that say most, rarest first."""
    said = {w: n for w, n in _counts(question).items() if len(w) >= _SHORTEST and not w.isdigit()}
    weight = {word: (1 + math.log(count)) * _rarity(fold(word)) for word, count in said.items()}
    return sorted(weight, key=lambda word: (-weight[word], word))[:most]


def _worth_comparing(question: Text, candidates: Sequence[Text]) -> list[int]:
    """The places of those that hold most of the telling words: to look for eight words in a text costs a hundredth of
    taking it apart."""
    if len(candidates) <= COMPARED:
        return list(range(len(candidates)))
    wanted = telling(question)
    held = [sum(word in one.subject.lower() or word in one.words.lower() for word in wanted) for one in candidates]
    return sorted(range(len(candidates)), key=lambda place: (-held[place], place))[:COMPARED]


def _near(place: int, asked: Mapping[str, float], other: Mapping[str, float]) -> Near:
    shared = {word: asked[word] * other[word] for word in asked.keys() & other.keys()}
    because = sorted(shared, key=lambda word: (-shared[word], word))[:5]
    return Near(place, min(1.0, sum(shared.values())), tuple(because))


def _vector(text: Text) -> dict[str, float]:
    """Length one."""
    folded: dict[str, float] = {}
    for word, count in _counts(text).items():
        folded[fold(word)] = folded.get(fold(word), 0.0) + count
    weights = {word: (1 + math.log(count)) * _rarity(word) for word, count in folded.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def _counts(text: Text) -> dict[str, float]:
    counted: Counter[str] = Counter(words(text.words))
    said: dict[str, float] = dict(counted)
    for word in words(text.subject):
        said[word] = said.get(word, 0.0) + SUBJECT_WEIGHT
    return said


def _rarity(word: str) -> float:
    known = _rarities()
    return known.get(word, known[""])


@lru_cache(maxsize=1)
def _rarities() -> dict[str, float]:
    """Folded word → how rare; "" for every other word. Common words count for next to nothing."""
    vocabulary = shipped().parts.vocabulary
    rare = {term: float(idf) for term, idf in zip(vocabulary.words, vocabulary.idf, strict=False) if " " not in term}
    lowest, highest = min(rare.values(), default=1.0), max(rare.values(), default=1.0)
    return {word: idf - lowest + 0.1 for word, idf in rare.items()} | {"": (highest - lowest + 0.1) * _UNKNOWN}


def texts(pairs: Iterable[tuple[str, str]]) -> list[Text]:
    return [Text(subject, said) for subject, said in pairs]
