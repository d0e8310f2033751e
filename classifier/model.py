"""The categoriser: a text in; its category, the probability and the words that made it out.

Training is one call away but lives in classifier.train; asking needs numpy and nothing more, so that a process that
only asks never pays for scikit-learn. A category is a label, a text is the new text of a message with its subject on
the first line. It refuses to know tickets, teams, priorities and databases.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from classifier import artefact, reasons
from classifier.artefact import BrokenArtefact, Parts
from classifier.chances import probabilities, strangeness
from classifier.features import Features, Floats, Row
from classifier.text import fold, words

__all__ = ["BrokenArtefact", "Categoriser", "Guess", "NotTrained", "Outcome"]

Outcome = Literal["automatic", "suggest", "unsure"]
_RUNNERS_UP = 3
_REASONS = 5


class NotTrained(RuntimeError):
    """The categoriser was asked before it was trained or loaded."""


@dataclass(frozen=True)
class Guess:
    """What the model thinks of one text.

    "automatic": sure enough to act on. "suggest": worth showing to an agent, `category` is the best of them.
    "unsure": `category` is None, a human decides; the probability is that of the first runner-up.
    `runners_up` are the next categories (all of them when unsure); `reasons` are words of the text.
    """

    category: str | None
    probability: float
    outcome: Outcome
    runners_up: tuple[tuple[str, float], ...]
    reasons: tuple[tuple[str, float], ...]
    model_version: str


class Categoriser:
    """A linear model over TF-IDF rows with calibrated probabilities."""

    def __init__(self, *, seed: int = 0, version: str = "unnamed", created: datetime | None = None) -> None:
        self._seed = seed
        self._version = version
        self._created = created.isoformat() if created else ""
        self._parts: Parts | None = None
        self._features: Features | None = None

    @property
    def classes_(self) -> NDArray[np.str_]:
        return np.array(self.parts.classes)

    @property
    def parts(self) -> Parts:
        """What the model is made of."""
        if self._parts is None:
            raise NotTrained("fit() or load() comes first")
        return self._parts

    def fit(self, texts: Sequence[str], labels: Sequence[str | None]) -> Self:
        """Learns the labels; None says that the text belongs to none of them."""
        return self.fit_hints(texts, labels, {})

    def fit_hints(
        self,
        texts: Sequence[str],
        labels: Sequence[str | None],
        hints: Mapping[str, str],
        *,
        families: Sequence[int] = (),
    ) -> Self:
        """As fit, with a few words for some labels: they carry the first days, until there are examples.

        `families` numbers texts that are variants of each other alike, one number a text: they are kept back together
        where the model is measured, or it would be judged by what it has seen. None given: each text is its own.
        """
        # scikit-learn costs a second and 100 MB: only who trains pays for it.
        from classifier.lesson import Examples
        from classifier.train import train

        examples = Examples(texts, labels, families)
        parts = train(examples, hints, seed=self._seed, version=self._version, created=self._created)
        return self._use(parts)

    def without(self, names: Collection[str]) -> Self:
        """The same model without these categories; all of them where none would be left."""
        kept = [place for place, name in enumerate(self.parts.classes) if name not in names]
        if not kept or len(kept) == len(self.parts.classes):
            return self
        parts = replace(
            self.parts,
            classes=tuple(self.parts.classes[place] for place in kept),
            weights=self.parts.weights[:, kept],
            intercepts=self.parts.intercepts[kept],
            thresholds=self.parts.thresholds[kept],
        )
        return type(self).of(parts)

    def predict(self, texts: Sequence[str]) -> NDArray[np.str_]:
        scores = self._scores(self._rows(texts))
        best: NDArray[np.str_] = self.classes_[scores.argmax(axis=1)]
        return best

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """One row a text, one column a class in the order of classes_."""
        return probabilities(self._scores(self._rows(texts)), self.parts.temperature)

    def oos_score(self, texts: Sequence[str]) -> Floats:
        """The higher, the less the text looks like any of the categories."""
        return strangeness(self._scores(self._rows(texts)), self.parts.temperature)

    def explain(self, text: str, label: str | None = None) -> list[tuple[str, float]]:
        """The words of the text with their weight for the label (or for the guessed one), for first, against last."""
        spoken = words(text)
        row = self._row(spoken)
        best = int(self._scores([row])[0].argmax()) if label is None else self._place(label)
        return reasons.by_word(spoken, row, self._weights(row, best))

    def guess(self, texts: Sequence[str]) -> list[Guess]:
        """One guess a text, with the thresholds of each category applied."""
        if not texts:
            return []
        spoken = [words(text) for text in texts]
        rows = [self._row(said) for said in spoken]
        scores = self._scores(rows)
        chances = probabilities(scores, self.parts.temperature)
        strange = strangeness(scores, self.parts.temperature)
        return [self._guess(*one) for one in zip(spoken, rows, chances, strange.tolist(), strict=True)]

    def save(self, directory: str | Path) -> None:
        """Whole or not at all, replacing what stands there."""
        artefact.write(self.parts, Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """The model that was saved there; BrokenArtefact where it is not whole and unaltered."""
        parts = artefact.read(Path(directory))
        return cls(version=parts.version)._use(parts)

    @classmethod
    def of(cls, parts: Parts) -> Self:
        """A categoriser around parts that were trained or read elsewhere."""
        return cls(version=parts.version)._use(parts)

    def _use(self, parts: Parts) -> Self:
        self._parts = parts
        self._features = Features(parts.vocabulary)
        return self

    def _row(self, said: Sequence[str]) -> Row:
        if self._features is None:
            raise NotTrained("fit() or load() comes first")
        return self._features.row(list(map(fold, said)))

    def _rows(self, texts: Sequence[str]) -> list[Row]:
        return [self._row(words(text)) for text in texts]

    def _scores(self, rows: Sequence[Row]) -> Floats:
        """The sparse dot: only the weights of the terms that stand in the text are touched."""
        parts = self.parts
        scores = np.empty((len(rows), len(parts.classes)))
        for place, row in enumerate(rows):
            scores[place] = (row.values * parts.scales[row.columns]) @ parts.weights[row.columns].astype(np.float64)
        return scores + parts.intercepts

    def _guess(self, spoken: list[str], row: Row, chances: Floats, strange: float) -> Guess:
        order = np.argsort(-chances, kind="stable")[: _RUNNERS_UP + 1].tolist()
        best = order[0]
        outcome = self._outcome(best, float(chances[best]), strange, known=len(row.columns) > 0)
        named = [(self.parts.classes[place], float(chances[place])) for place in order]
        return Guess(
            category=None if outcome == "unsure" else named[0][0],
            probability=named[0][1],
            outcome=outcome,
            runners_up=tuple(named[:_RUNNERS_UP] if outcome == "unsure" else named[1:]),
            reasons=reasons.strongest(spoken, row, self._weights(row, best), _REASONS),
            model_version=self.parts.version,
        )

    def _outcome(self, best: int, chance: float, strange: float, *, known: bool) -> Outcome:
        if not known or strange > self.parts.out_of_scope_from or chance < self.parts.suggest_from:
            return "unsure"
        return "automatic" if chance >= self.parts.thresholds[best] else "suggest"

    def _weights(self, row: Row, place: int) -> Floats:
        weights: Floats = self.parts.weights[row.columns, place] * self.parts.scales[row.columns].astype(np.float64)
        return weights

    def _place(self, label: str) -> int:
        try:
            return self.parts.classes.index(label)
        except ValueError:
            raise ValueError(f"no such category: {label!r}") from None
