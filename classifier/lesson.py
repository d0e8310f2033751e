"""What a model learns from: rows with the places of their labels, and the parts of them that are kept back.

In come texts, labels and families (texts that are variants of each other alike); out come stratified parts, none of
which divides a family, and weights that were learnt from one of them. It refuses to know which way of fitting is best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from classifier.emphasis import Voice, emphasis
from classifier.features import Floats, Ints
from classifier.linear import Linear, Way, Weighing, fit

# Few labels with many texts are tried in the telling way too; it costs a slow fit a label and brings nothing to many.
FEW_LABELS = 30
_VOICES: dict[Way, Voice] = {
    "margin": Voice(together=0.0, apart_letters=0.0, letters=1.25),
    "telling": Voice(together=0.0, apart_letters=0.0, letters=1.0),
}
# Few examples: what few labels share in long mails is mostly chance; where there are many labels it is mostly language.
_FEW_LABELS_VOICE = Voice(together=0.5, apart_letters=1.0, letters=2.0)
_MANY_LABELS_VOICE = Voice(together=0.25, apart_letters=0.0, letters=2.0)


@dataclass(frozen=True)
class Examples:
    """Texts, their labels (None: it belongs to none) and the number of each one's family; no families: each its own."""

    texts: Sequence[str]
    labels: Sequence[str | None]
    families: Sequence[int] = ()


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from, the place of each one's label of so many, and for how many texts each row counts.

    The first `words` columns are words and pairs, the others letters. Rows of one family are variants of each other.
    """

    matrix: csr_matrix
    truth: Ints
    counts: Floats
    families: Ints
    labels: int
    words: int
    seed: int
    balance: float = 1.0

    def part(self, places: Ints) -> Lesson:
        return replace(
            self,
            matrix=self.matrix[places],
            truth=self.truth[places],
            counts=self.counts[places],
            families=self.families[places],
        )

    def learnt(self, way: Way) -> Linear:
        # What a term tells is learnt too: of the rows at hand only, or those kept back would be judged too kindly.
        loud = emphasis(self.matrix, self.truth, self.counts, self.words, self._voice(way))
        return fit(self.matrix, self.truth, self.labels, way, loud, self.seed, Weighing(self.counts, self.balance))

    def _voice(self, way: Way) -> Voice:
        if way != "joint":
            return _VOICES[way]
        return _FEW_LABELS_VOICE if self.labels <= FEW_LABELS else _MANY_LABELS_VOICE


def families_of(examples: Examples) -> Ints:
    if len(examples.families) and len(examples.families) != len(examples.texts):
        raise ValueError(f"{len(examples.texts)} texts, but {len(examples.families)} families")
    return and_each_its_own(np.array(examples.families, dtype=np.int64), len(examples.texts))


def and_each_its_own(families: Ints, count: int) -> Ints:
    """The families, and for the texts up to that count that have none a new one each."""
    first = int(families.max(initial=-1)) + 1
    return np.concatenate([families, np.arange(first, first + count - len(families))])


def folds(lesson: Lesson, examples: int, count: int) -> list[tuple[Ints, Ints]]:
    """Stratified (inside, outside) pairs of the first so many rows; the only family of a label is never kept back."""
    truth, families = lesson.truth[:examples], lesson.families[:examples]
    fold = np.full(examples, -1)
    order = np.random.default_rng(lesson.seed).permutation(examples)
    for label in np.unique(truth):
        members = order[truth[order] == label]
        _, first, place = np.unique(families[members], return_index=True, return_inverse=True)
        if len(first) > 1:
            fold[members] = (np.argsort(np.argsort(first))[place] + label) % count
    return [(np.flatnonzero(fold != part), np.flatnonzero(fold == part)) for part in range(count)]
