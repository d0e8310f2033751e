"""How good a model is: a few numbers from the true labels, the guessed ones and the probabilities.

In come plain sequences and arrays, out comes one number a function. It refuses to know models, texts and files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.chances import NEVER, threshold
from classifier.features import Floats


def accuracy(truth: Sequence[str], guessed: Sequence[str]) -> float:
    return float(np.mean(np.asarray(truth) == np.asarray(guessed)))


def macro_f1(truth: Sequence[str], guessed: Sequence[str]) -> float:
    """The mean over the labels of 2·right / (guessed + true), so that a rare label counts as much as a frequent one."""
    true, said = np.asarray(truth), np.asarray(guessed)
    _, places = np.unique(np.concatenate([true, said]), return_inverse=True)
    true, said = places[: len(true)], places[len(true) :]
    right = np.bincount(true[true == said], minlength=places.max() + 1)
    return float(np.mean(2 * right / np.bincount(places)))


def calibration_error(right: Sequence[bool], sure: Floats, bins: int = 15) -> float:
    """The expected calibration error: how far the stated probabilities are from the measured ones."""
    hits, stated = np.asarray(right, dtype=np.float64), np.asarray(sure)
    place = np.minimum((stated * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=hits - stated, minlength=bins)
    return float(np.abs(gaps).sum() / len(hits)) if len(hits) else 0.0


def coverage(right: Sequence[bool], sure: Floats, precision: float = 0.95) -> float:
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
