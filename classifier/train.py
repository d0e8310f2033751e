"""Training: texts with their labels in, the parts of a model out. Only this file and `linear.py` need scikit-learn.

It decides by validation on the given examples whether the letters inside words pay and which way of fitting suits
them, fits a balanced linear model, calibrates it on held-out examples (one temperature) and sets the thresholds
there. The same input and seed give the same parts. It refuses to know the clock and the disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifier.artefact import Parts
from classifier.chances import best_temperature, probabilities, strangeness, strangest, thresholds
from classifier.evaluate import accuracy, macro_f1
from classifier.features import Features, Floats, Ints, Vocabulary, learn, spoken
from classifier.lesson import FEW_LABELS, Examples, Lesson, and_each_its_own, families_of, folds
from classifier.linear import Linear, Way, scores

# A term of one single text says nothing about the next text, except where there are few texts.
_FEW_TEXTS = 1_000
# From here on a label's own name and hints add nothing to its examples.
_ENOUGH_EXAMPLES = 50
_NEW_BELOW = 10
"""A label with less than this part of the usual number of examples is new: its words need a louder voice."""
# Where all have few examples, each word of a hint counts for so much of an example.
_QUIET_WORD = 0.2
# Validation looks at so many texts at most.
_TRIAL_TEXTS = 5_000
# Letters make asking and training dearer with every sign of the text; they must bring this much per 100 columns.
_LETTERS_MUST_BRING = 0.002
_TRIAL_FOLDS = 5
# With so many texts one part of them is enough to measure on.
_MANY_TEXTS = 20_000
# Labels are uneven where the largest has so many times the examples of the usual one; then these powers are tried.
_UNEVEN = 3.0
_BALANCES = (1.0, 0.5, 0.25)
# A label that has so few examples at the median is learnt in the joint way.
_FEW_EXAMPLES = 20
# Below this no temperature can be measured: a usual one.
_FEWEST_HELD_OUT = 10
_USUAL_TEMPERATURE = 0.25
_PRECISION = 0.95
# A family that is kept back whole is stranger than a stranger's message: thresholds that were right there this often
# were right 99 times of 100 on 700 messages that were written apart from the families.
_PRECISION_OF_FAMILIES = 0.92
_FEWEST_FOR_A_THRESHOLD = 30
# The probabilities are calibrated: below this a suggestion is wrong twice as often as right.
_SUGGEST_FROM = 0.35
_NEVER_STRANGE = 1e9

Said = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Held:
    """Scores of examples by models that had not seen them, and where their true labels stand.

    `precision` is how often guesses must be right among them to be settled alone.
    """

    scores: Floats
    truth: Ints
    precision: float = _PRECISION


def train(examples: Examples, hints: Mapping[str, str], *, seed: int, version: str, created: str) -> Parts:
    """The parts of a model that tells the labels of the examples apart."""
    classes, truth = _classes(examples, hints)
    families = families_of(examples)
    hinted = _pseudo_documents(classes, hints, truth)
    everything = [spoken(text) for text in (*examples.texts, *hinted.texts)]
    counts = np.concatenate([np.ones(len(truth)), hinted.counts])
    whole = [said for said, count in zip(everything, counts, strict=True) if count >= 1]
    vocabulary = _learn(whole, _letters_pay(everything[: len(truth)], truth, families, len(classes), seed))
    lesson = Lesson(
        matrix=_matrix(vocabulary, everything),
        truth=np.concatenate([truth, hinted.places]),
        counts=counts,
        families=and_each_its_own(families, len(counts)),
        labels=len(classes),
        words=len(vocabulary.words),
        seed=seed,
    )
    way = _best_way(lesson.part(np.arange(len(truth))))
    lesson = replace(lesson, balance=_best_balance(lesson.part(np.arange(len(truth))), way))
    held = _held_out(lesson, len(truth), way)
    if len(examples.families):
        held = replace(held, precision=_PRECISION_OF_FAMILIES)
    return _parts(classes, vocabulary, lesson.learnt(way), held, version, created)


def _classes(examples: Examples, hints: Mapping[str, str]) -> tuple[tuple[str, ...], Ints]:
    texts, labels = examples.texts, examples.labels
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts, but {len(labels)} labels")
    classes = tuple(sorted({*(str(label) for label in labels if label is not None), *hints}))
    if not classes:
        raise ValueError("nothing to learn from: no texts and no hints")
    place = {name: number for number, name in enumerate(classes)}
    # What belongs to no category is one column further, and that column is never kept.
    outside = len(classes)
    return classes, np.array([outside if x is None else place[str(x)] for x in labels], dtype=np.int64)


@dataclass(frozen=True)
class Hinted:
    """What hints say, as if it were texts: each with the place of its label and for how many texts it counts."""

    texts: list[str]
    places: Ints
    counts: Floats


def _pseudo_documents(classes: tuple[str, ...], hints: Mapping[str, str], truth: Ints) -> Hinted:
    """The name and the hints of every label that has few examples, as if they were one more.

    Each of their words is a text as well: quietly where all labels have few examples (a word that somebody chose to
    name a label needs no others beside it); in a full voice where the others have many, as one text is not heard there.
    """
    sizes = np.bincount(truth, minlength=len(classes))[: len(classes)]
    usual = float(np.median(sizes))
    said: list[tuple[str, int, float]] = []
    for place in np.flatnonzero(sizes < _ENOUGH_EXAMPLES).tolist():
        words = hints.get(classes[place], "")
        said.append((f"{classes[place]}\n{words}", place, 1.0))
        if sizes[place] * _NEW_BELOW < usual:
            said.extend((word, place, 1.0) for word in dict.fromkeys(words.split()))
        elif words and usual <= _FEW_EXAMPLES:
            said.extend((word, place, _QUIET_WORD) for word in dict.fromkeys(words.split()))
    texts, places, counts = zip(*said, strict=True) if said else ((), (), ())
    return Hinted(list(texts), np.array(places, dtype=np.int64), np.array(counts, dtype=np.float64))


def _learn(texts: Said, with_letters: bool) -> Vocabulary:
    return learn(texts, with_letters=with_letters, at_least=1 if len(texts) < _FEW_TEXTS else 2)


def _matrix(vocabulary: Vocabulary, texts: Said) -> csr_matrix:
    rows = Features(vocabulary).rows(texts)
    return csr_matrix((rows.values, rows.columns, rows.begins), shape=(len(texts), vocabulary.size))


def _letters_pay(texts: Said, truth: Ints, families: Ints, labels: int, seed: int) -> bool:
    """Whether the letters inside words bring enough on examples kept back; where examples are few they always do."""
    if len(texts) < _FEW_TEXTS:
        return True
    chosen = np.random.default_rng(seed).permutation(len(texts))[:_TRIAL_TEXTS]
    sample = [texts[place] for place in chosen]
    plain, lettered = (
        Lesson(
            matrix=_matrix(vocabulary, sample),
            truth=truth[chosen],
            counts=np.ones(len(sample)),
            families=families[chosen],
            labels=labels,
            words=len(vocabulary.words),
            seed=seed,
        )
        for vocabulary in (_learn(sample, letters) for letters in (False, True))
    )
    price = _LETTERS_MUST_BRING * (lettered.matrix.nnz - plain.matrix.nnz) / len(sample) / 100
    return bool(_right(lettered, "margin") - _right(plain, "margin") >= price)


def _best_way(lesson: Lesson) -> Way:
    if _few_each(lesson.truth):
        return "joint"
    if len(lesson.truth) < _FEW_TEXTS or lesson.labels > FEW_LABELS:
        return "margin"
    return "telling" if _right(lesson, "telling") >= _right(lesson, "margin") else "margin"


def _best_balance(lesson: Lesson, way: Way) -> float:
    """How evenly the labels should count: what brings most accuracy and macro-F1 together on examples kept back.

    Asked only where labels are uneven and learnt by a margin: the telling way sets each label against the rest evenly
    anyway, and few examples say nothing about it.
    """
    inside = lesson.truth[lesson.truth < lesson.labels]
    sizes = np.unique(inside, return_counts=True)[1]
    if way != "margin" or len(inside) < _FEW_TEXTS or sizes.max() < _UNEVEN * np.median(sizes):
        return 1.0
    trials = _TRIAL_FOLDS if len(inside) < _MANY_TEXTS else 1
    return max(_BALANCES, key=lambda balance: sum(_accuracy_and_f1(replace(lesson, balance=balance), way, trials)))


def _few_each(truth: Ints) -> bool:
    return not len(truth) or float(np.median(np.unique(truth, return_counts=True)[1])) <= _FEW_EXAMPLES


def _right(lesson: Lesson, way: Way) -> float:
    """The share that is answered rightly of the examples kept back."""
    return _accuracy_and_f1(lesson, way)[0]


def _accuracy_and_f1(lesson: Lesson, way: Way, trials: int = 1) -> tuple[float, float]:
    """Of the examples kept back, in so many trials; macro-F1 over the labels."""
    truth: list[str] = []
    guessed: list[str] = []
    for inside, outside in folds(lesson, len(lesson.truth), _TRIAL_FOLDS)[:trials]:
        if len(outside):
            learnt = lesson.part(inside).learnt(way)
            guessed += map(str, scores(lesson.matrix[outside], learnt).argmax(axis=1))
            truth += map(str, lesson.truth[outside])
    return accuracy(truth, guessed), macro_f1(truth, guessed)


def _held_out(lesson: Lesson, examples: int, way: Way) -> Held:
    """Every example scored once by a model without it (one part of them, where there are very many)."""
    truth = lesson.truth
    hints = np.arange(examples, len(truth))
    count = 5 if examples < 2_000 and way != "joint" else 3
    parts = folds(lesson, examples, count)[: count if examples < _MANY_TEXTS else 1]
    scored = [np.empty((0, lesson.labels))]
    places: list[Ints] = [np.empty(0, dtype=np.int64)]
    for inside, outside in parts:
        inside = np.concatenate([inside, hints])
        if len(outside) and len(np.unique(truth[inside])) > 1:
            scored.append(scores(lesson.matrix[outside], lesson.part(inside).learnt(way)))
            places.append(outside)
    return Held(np.concatenate(scored), truth[np.concatenate(places)])


def _parts(
    classes: tuple[str, ...], vocabulary: Vocabulary, linear: Linear, held: Held, version: str, created: str
) -> Parts:
    weights, scales = _rounded(linear.weights)
    belongs = held.truth < len(classes)
    measured = belongs.sum() >= _FEWEST_HELD_OUT
    temperature = best_temperature(held.scores[belongs], held.truth[belongs]) if measured else _USUAL_TEMPERATURE
    strange = strangeness(held.scores, temperature)
    return Parts(
        classes=classes,
        vocabulary=vocabulary,
        weights=weights,
        scales=scales,
        intercepts=linear.intercepts,
        temperature=temperature,
        thresholds=thresholds(
            probabilities(held.scores, temperature), held.truth, held.precision, _FEWEST_FOR_A_THRESHOLD
        ),
        suggest_from=_SUGGEST_FROM,
        out_of_scope_from=strangest(strange[belongs], strange[~belongs]) if measured else _NEVER_STRANGE,
        version=version,
        created=created,
    )


def _rounded(weights: Floats) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The weights in steps of 1/127 of each term's largest: an eighth of the size, the same answers."""
    scales = (np.abs(weights).max(axis=1, initial=0.0) / 127).astype(np.float32)
    steps = np.divide(weights, scales[:, None], out=np.zeros_like(weights), where=scales[:, None] > 0)
    return np.clip(np.rint(steps), -127, 127).astype(np.int8), scales


if __name__ == "__main__":
    from classifier.starter import ship

    ship()
