"""Which words made a guess: every word's share of the score, for and against.

In come a looked-up text and the weights of one category; out comes one number a word. A pair of words counts half for
each of the two, and the letters of a word count for the word, so that the shares add up to the score (without the
category's intercept). It refuses to know probabilities and thresholds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest

import numpy as np

from classifier.features import Floats, Row


def shares(row: Row, weights: Floats) -> Floats:
    """One share a word of the text; `weights` has one weight for each of the row's columns."""
    length = len(row.said)
    if not len(row.columns):
        return np.zeros(length)
    # A place for every column and one more: the unknown (-1) finds its nothing at the end.
    each = np.zeros(int(row.columns[-1]) + 2)
    each[row.columns] = row.values * weights / row.counts
    whole = each[row.whole]
    shared, pairs = whole[:length], whole[length:] / 2
    shared[:-1] += pairs
    shared[1:] += pairs
    if len(row.letters):
        owners = np.repeat(np.arange(length), row.letters_a_word)
        shared += np.bincount(owners, weights=each[row.letters], minlength=length)
    return shared


def strongest(words: Sequence[str], row: Row, weights: Floats, most: int) -> tuple[tuple[str, float], ...]:
    """The words that spoke for the category, the loudest first."""
    found = ((weight, word) for word, weight in _totals(words, row, weights).items() if weight > 0)
    return tuple((word, weight) for weight, word in nlargest(most, found))


def by_word(words: Sequence[str], row: Row, weights: Floats) -> list[tuple[str, float]]:
    """Every word of the text once with its share, from the loudest for to the loudest against."""
    found = [(word, weight) for word, weight in _totals(words, row, weights).items() if weight]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _totals(words: Sequence[str], row: Row, weights: Floats) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for word, share in zip(words, shares(row, weights).tolist(), strict=True):
        total[word] += share
    return total
