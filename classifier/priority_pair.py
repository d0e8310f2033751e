"""Fits the two linear models of priority, who is hit and how badly, on the terms of the examples.

It takes terms, traits and examples and returns a Fitted; temperatures are found on situations that were left out.
The same input gives the same output. It does not know how a text becomes terms, nor where the weights are kept.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from classifier.chances import best_temperature
from classifier.features import Floats
from classifier.priority_examples import Example

IMPACTS = ("many", "team", "one")
URGENCIES = ("emergency", "blocked", "degraded", "normal", "minor")
_UNIT = 1000
_TERMS = 20_000
"""So many terms are kept, the heaviest: more make the file larger and nothing better."""
_FEWEST_TEXTS = 2
_STRENGTH = 4.0
_STEPS = 120
_TRAIT = 0.5
"""How loud what the rules make of a text is beside its words."""
_FOLDS = 6
_SHARES = {"urgent": 0.25, "high": 0.22, "medium": 0.28, "low": 0.25}
"""How much of the learning each kind of text is: as many of each as a desk would want to be right about."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The terms and the traits of each text."""

    terms: Sequence[Sequence[str]]
    traits: Sequence[Sequence[str]]

    def at(self, places: NDArray[np.intp]) -> Rows:
        """Only the texts at these places."""
        return Rows([self.terms[i] for i in places], [self.traits[i] for i in places])


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights of terms, traits and start: a column an impact, then a column an urgency."""

    terms: Sequence[str]
    rarity: Floats
    traits: Sequence[str]
    weights: Floats
    start: Floats

    def scores(self, rows: Rows) -> Floats:
        """One row a text, a column an impact and an urgency."""
        found: Floats = _matrix(rows, self.terms, self.rarity, self.traits) @ self.weights + self.start
        return found

    def as_json(self, made_from: str, temperatures: tuple[float, float]) -> str:
        """What is shipped: a line a term, with its share of a text's length first."""
        scale = _UNIT / np.repeat(temperatures, (len(IMPACTS), len(URGENCIES)))
        weights, count = self.weights * scale, len(self.terms)
        told = np.column_stack([100 * self.rarity**2, 10 * self.rarity[:, None] * weights[:count]]).round().astype(int)
        traits = (_TRAIT * weights[count:]).round().astype(int)
        start = json.dumps((self.start * scale).round().astype(int).tolist())
        return (
            f'{{"made_from": "{made_from}", "unit": {_UNIT}, "urgencies": {json.dumps(URGENCIES)}, "start": {start},\n'
            f'"traits": {_lines(self.traits, traits)},\n"terms": {_lines(self.terms, told)}}}\n'
        )


def fit(rows: Rows, examples: Sequence[Example]) -> Fitted:
    """The models of all examples, with the heaviest terms only."""
    everything = _fit(rows, examples, _frequent(rows))
    order = np.argsort(-np.abs(everything.weights[: len(everything.terms)]).max(axis=1), kind="stable")[:_TERMS]
    return _fit(rows, examples, sorted(everything.terms[i] for i in order))


def left_out(rows: Rows, examples: Sequence[Example]) -> Floats:
    """The scores of each text by models that have not seen its situation, in no language."""
    situations = sorted({example.situation for example in examples})
    rng = np.random.default_rng(5)
    fold = dict(zip(situations, rng.permutation(len(situations)) % _FOLDS, strict=True))
    folds = np.array([fold[example.situation] for example in examples])
    scores = np.zeros((len(examples), len(IMPACTS) + len(URGENCIES)))
    for number in range(_FOLDS):
        seen, unseen = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        part = rows.at(seen)
        fitted = _fit(part, [examples[int(i)] for i in seen], _frequent(part))
        scores[unseen] = fitted.scores(rows.at(unseen))
    return scores


def temperatures(scores: Floats, examples: Sequence[Example]) -> tuple[float, float]:
    """What the scores of both models must be divided by to be believed."""
    impact = np.array([IMPACTS.index(example.impact) for example in examples])
    urgency = np.array([URGENCIES.index(example.urgency) for example in examples])
    return (
        best_temperature(scores[:, : len(IMPACTS)], impact),
        best_temperature(scores[:, len(IMPACTS) :], urgency),
    )


def priority(impact: str, urgency: str) -> str:
    """The priority that the desk's usual matrix gives, with emergencies above it."""
    if urgency == "emergency" or (impact == "many" and urgency in ("blocked", "degraded")):
        return "urgent"
    return {"blocked": "high", "minor": "low"}.get(urgency, "medium")


def _fit(rows: Rows, examples: Sequence[Example], terms: Sequence[str]) -> Fitted:
    seen = Counter(term for text in rows.terms for term in set(text))
    rarity = np.array([1 + np.log(len(examples) / seen[term]) for term in terms])
    traits = sorted({trait for text in rows.traits for trait in text})
    matrix, counts = _matrix(rows, terms, rarity, traits), _counts(examples)
    parts = [
        _model(matrix, [e.impact for e in examples], counts, IMPACTS),
        _model(matrix, [e.urgency for e in examples], counts, URGENCIES),
    ]
    return Fitted(terms, rarity, traits, np.hstack([w for w, _ in parts]), np.hstack([s for _, s in parts]))


def _model(matrix: csr_matrix, truth: Sequence[str], counts: Floats, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Weights and start of each name; one without examples is out of the question."""
    machine = LogisticRegression(C=_STRENGTH, max_iter=_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(matrix, truth, counts)
    weights, start = np.zeros((matrix.shape[1], len(names))), np.full(len(names), -20.0)
    # Two classes are one decision for scikit-learn: for the second, against the first.
    slopes, offsets = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        slopes, offsets = np.vstack([-slopes, slopes]) / 2, np.hstack([-offsets, offsets]) / 2
    for place, name in enumerate(machine.classes_):
        column = names.index(name)
        weights[:, column], start[column] = slopes[place], offsets[place]
    return weights, start


def _frequent(rows: Rows) -> list[str]:
    seen = Counter(term for text in rows.terms for term in set(text))
    return sorted(term for term, count in seen.items() if count >= _FEWEST_TEXTS)


def _counts(examples: Sequence[Example]) -> Floats:
    """How much each text counts: a situation with twice the texts less than twice, each priority its share."""
    sizes = Counter((example.language, example.situation) for example in examples)
    counts = np.array([sizes[example.language, example.situation] ** -0.5 for example in examples])
    levels = np.array([priority(example.impact, example.urgency) for example in examples])
    for level, share in _SHARES.items():
        counts[levels == level] *= share / max(counts[levels == level].sum(), 1e-9)
    weighed: Floats = counts * len(examples) / counts.sum()
    return weighed


def _matrix(rows: Rows, terms: Sequence[str], rarity: Floats, traits: Sequence[str]) -> csr_matrix:
    """TF-IDF rows of length one, and the traits beside them."""
    words = _counted(rows.terms, terms)
    weighed = words.multiply(rarity).tocsr()
    lengths = np.sqrt(np.asarray(words.multiply(rarity**2).sum(axis=1)).ravel())
    unit = weighed.multiply((1 / np.maximum(lengths, 1e-9))[:, None]).tocsr()
    return hstack([unit, _counted(rows.traits, traits) * _TRAIT]).tocsr()


def _counted(texts: Sequence[Sequence[str]], names: Sequence[str]) -> csr_matrix:
    places = {name: place for place, name in enumerate(names)}
    found = [(row, places[name]) for row, text in enumerate(texts) for name in text if name in places]
    row, column = (list(part) for part in zip(*found, strict=True)) if found else ([], [])
    return csr_matrix((np.ones(len(row)), (row, column)), shape=(len(texts), len(names)))


def _lines(names: Sequence[str], rows: NDArray[np.int_]) -> str:
    pairs = (
        f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(row, separators=(',', ':'))}"
        for name, row in zip(names, rows.tolist(), strict=True)
    )
    return "{" + ",\n".join(pairs) + "}"
