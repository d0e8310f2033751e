"""How good a model is: its numbers on texts whose true labels are known, as one report.

In come the classes, a row of probabilities a text, the true labels and the thresholds; out comes a Report, which is
plain numbers and can be written as JSON. What else was guessed for the same texts (by keyword rules, by the previous
model) is measured beside it. It refuses to know models, texts and files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classifier.chances import NEVER, threshold
from classifier.features import Floats, Ints

_BINS = 10
_MOST = 20
MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class Bin:
    """The guesses whose probability lies in [low, high): how sure they were, and how many were right."""

    low: float
    high: float
    count: int
    stated: float
    measured: float


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """One category: how many texts are its own, how many were guessed so, and how many of either were right."""

    category: str
    support: int
    guessed: int
    precision: float
    recall: float
    f1: float
    threshold: float
    automatic: float
    automatic_precision: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a text of one category was taken for another's."""

    truth: str
    guessed: str
    count: int


@dataclass(frozen=True, slots=True)
class WrongGuess:
    """A wrong guess of high probability; `place` counts the texts from 0."""

    place: int
    truth: str
    guessed: str
    probability: float


@dataclass(frozen=True, slots=True)
class Rival:
    """What another way of guessing reaches on the same texts."""

    name: str
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Report:
    """All numbers of one evaluation.

    `coverage` is the share of the texts that could be handled alone if 95 % of them must be right; `automatic` is the
    share that the given thresholds do handle alone, and `automatic_precision` how many of those are right.
    """

    count: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    coverage: float
    automatic: float
    automatic_precision: float | None
    reliability: tuple[Bin, ...]
    categories: tuple[CategoryFigures, ...]
    confusions: tuple[Confusion, ...]
    worst: tuple[WrongGuess, ...]
    beside: tuple[Rival, ...]

    def to_json(self) -> dict[str, Any]:
        """Lists, dicts, strings and numbers only."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def report(
    classes: Sequence[str],
    probabilities: ArrayLike,
    truth: Sequence[str],
    thresholds: ArrayLike,
    beside: Mapping[str, Sequence[str | None]] | None = None,
) -> Report:
    """The numbers of one evaluation; `thresholds` has one a class, `beside` names other guesses for the same texts.

    A true label that is none of the classes counts as wrong. The majority stands beside in any case.
    """
    chances = np.asarray(probabilities, dtype=np.float64).reshape(len(truth), len(classes))
    names = np.array([str(name) for name in classes], dtype=object)
    limits, best = np.asarray(thresholds, dtype=np.float64), chances.argmax(axis=1)
    true, guessed, sure = np.array(truth, dtype=object), names[best], chances.max(axis=1, initial=0.0)
    right, alone = np.asarray(guessed == true, dtype=np.bool_), sure >= limits[best]
    rivals: dict[str, Sequence[str | None]] = {MAJORITY: majority(truth, len(truth)), **(beside or {})}
    return Report(
        count=len(truth),
        accuracy=accuracy(truth, guessed.tolist()),
        macro_f1=macro_f1(truth, guessed.tolist()),
        calibration_error=calibration_error(right, sure),
        coverage=coverage(right, sure),
        automatic=float(alone.mean()) if len(truth) else 0.0,
        automatic_precision=_share(right[alone]),
        reliability=reliability(right, sure),
        categories=tuple(_categories(names.tolist(), true, guessed, alone, limits)),
        confusions=confusions(truth, guessed.tolist()),
        worst=worst(truth, guessed.tolist(), sure),
        beside=tuple(Rival(name, accuracy(truth, said), macro_f1(truth, said)) for name, said in rivals.items()),
    )


def accuracy(truth: Sequence[str], guessed: Sequence[str | None]) -> float:
    return sum(true == said for true, said in zip(truth, guessed, strict=True)) / max(1, len(truth))


def macro_f1(truth: Sequence[str], guessed: Sequence[str | None]) -> float:
    """The mean over the labels of 2·right / (guessed + true), so that a rare label counts as much as a frequent one.

    None is no label: who says nothing has no precision to lose.
    """
    own, said = Counter(truth), Counter(label for label in guessed if label is not None)
    right = Counter(true for true, label in zip(truth, guessed, strict=True) if true == label)
    return float(np.mean([2 * right[name] / (own[name] + said[name]) for name in own | said])) if own else 0.0


def calibration_error(right: Sequence[bool] | NDArray[np.bool_], sure: Floats, bins: int = 15) -> float:
    """The expected calibration error: how far the stated probabilities are from the measured ones."""
    hits, stated = np.asarray(right, dtype=np.float64), np.asarray(sure)
    gaps = np.bincount(_bin_of(stated, bins), weights=hits - stated, minlength=bins)
    return float(np.abs(gaps).sum() / len(hits)) if len(hits) else 0.0


def coverage(right: Sequence[bool] | NDArray[np.bool_], sure: Floats, precision: float = 0.95) -> float:
    """The share of the texts that could be handled alone if so many of them must be right."""
    stated = np.asarray(sure)
    limit = threshold(stated, np.asarray(right, dtype=np.bool_), precision)
    return 0.0 if limit == NEVER else float(np.mean(stated >= limit))


def separation(inside: Floats, outside: Floats) -> float:
    """AUROC: how often a text from outside scores higher than one from inside; ties count half."""
    both = np.concatenate([inside, outside])
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place][len(inside) :]
    pairs = len(inside) * len(outside)
    return float((rank.sum() - len(outside) * (len(outside) + 1) / 2) / pairs) if pairs else 0.5


def majority(known: Sequence[str], count: int) -> list[str]:
    """What one who reads nothing would guess for so many texts: the most frequent of the known labels."""
    often = Counter(known)
    return [min(often, key=lambda label: (-often[label], label))] * count if often else []


def reliability(right: Sequence[bool] | NDArray[np.bool_], sure: Floats, bins: int = _BINS) -> tuple[Bin, ...]:
    """Beside each tenth of stated probability the share that was right; empty bins are left in, with zeros."""
    hits, stated = np.asarray(right, dtype=np.float64), np.asarray(sure, dtype=np.float64)
    place = _bin_of(stated, bins)
    counts = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, weights=values, minlength=bins) for values in (stated, hits))
    means = [total / np.maximum(counts, 1) for total in sums]
    return tuple(
        Bin(n / bins, (n + 1) / bins, int(counts[n]), float(means[0][n]), float(means[1][n])) for n in range(bins)
    )


def confusions(truth: Sequence[str], guessed: Sequence[str], most: int = _MOST) -> tuple[Confusion, ...]:
    """The most frequent mistakes first."""
    pairs = Counter((str(true), str(said)) for true, said in zip(truth, guessed, strict=True) if true != said)
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(true, said, count) for (true, said), count in ranked[:most])


def worst(truth: Sequence[str], guessed: Sequence[str], sure: Floats, most: int = _MOST) -> tuple[WrongGuess, ...]:
    """The wrong guesses that were surest, the surest first."""
    wrong = [place for place, (true, said) in enumerate(zip(truth, guessed, strict=True)) if true != said]
    wrong.sort(key=lambda place: -sure[place])
    return tuple(WrongGuess(n, str(truth[n]), str(guessed[n]), float(sure[n])) for n in wrong[:most])


def _categories(
    names: Sequence[str], true: NDArray[Any], guessed: NDArray[Any], alone: NDArray[np.bool_], limits: Floats
) -> list[CategoryFigures]:
    figures = []
    for name, limit in zip(names, limits.tolist(), strict=True):
        mine, said = np.asarray(true == name), np.asarray(guessed == name)
        both, handled = int((mine & said).sum()), said & alone
        figures.append(
            CategoryFigures(
                category=name,
                support=int(mine.sum()),
                guessed=int(said.sum()),
                precision=both / max(1, int(said.sum())),
                recall=both / max(1, int(mine.sum())),
                f1=2 * both / max(1, int(mine.sum() + said.sum())),
                threshold=limit,
                automatic=float(handled.sum() / max(1, int(said.sum()))),
                automatic_precision=_share(mine[handled]),
            )
        )
    return figures


def _share(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None


def _bin_of(stated: Floats, bins: int) -> Ints:
    return np.minimum((stated * bins).astype(np.int64), bins - 1)


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
