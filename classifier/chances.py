"""From a linear model's scores to probabilities that can be believed, and from those to thresholds.

In come scores (one row a text, one column a category), and for the measured numbers the true columns beside them;
out come probabilities, one temperature, thresholds and how strange a text is. It refuses to know words and weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classifier.features import Floats, Ints

# A threshold that no probability reaches: nothing has shown yet that acting alone would be right.
NEVER = 1.01
# The lowest threshold that passes is the luckiest one: it must pass by one standard error of what was counted.
_CAUTION = 1.0


def probabilities(scores: Floats, temperature: float) -> Floats:
    """The softmax of scores / temperature."""
    scaled = scores / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=1, keepdims=True)
    return chances


def strangeness(scores: Floats, temperature: float) -> Floats:
    """How far the scores are from those of a text that belongs somewhere (the "free energy"): high is strange."""
    top = scores.max(axis=1)
    rest = np.exp((scores - top[:, None]) / temperature).sum(axis=1)
    energy: Floats = -(top + temperature * np.log(rest))
    return energy


def strangest(inside: Floats, outside: Floats) -> float:
    """From which strangeness on a human should look: a few of the known texts, and as many of the others as that buys.

    Where no texts from outside are known, 2 % of the known ones count as strange.
    """
    if not len(outside):
        return float(np.quantile(inside, 0.98))
    limits = np.quantile(inside, np.linspace(0.93, 0.99, 13))
    return float(max(limits, key=lambda limit: np.mean(inside <= limit) + np.mean(outside > limit)))


def best_temperature(scores: Floats, truth: Ints) -> float:
    """The temperature under which the true categories are likeliest: a wide grid, then a fine one around its best."""
    wide = np.geomspace(0.02, 5.0, 25)
    middle = min(wide, key=lambda temperature: _surprise(scores, truth, temperature))
    fine = np.geomspace(middle / 1.3, middle * 1.3, 21)
    return float(min(fine, key=lambda temperature: _surprise(scores, truth, temperature)))


def thresholds(chances: Floats, truth: Ints, precision: float, fewest: int) -> Floats:
    """For every category the lowest probability from which its guesses are right so often.

    Each category is judged by its own guesses and, as if they were `fewest` more, by those of all categories: one
    mistake among a few guesses says little about a category. One with fewer guesses has the threshold of all.
    """
    best = chances.argmax(axis=1)
    sure, right = chances.max(axis=1, initial=0.0), best == truth
    if len(truth) < fewest:
        return np.full(chances.shape[1], NEVER)
    everywhere = Usual(sure, right, fewest)
    limits = np.full(chances.shape[1], threshold(sure, right, precision, _CAUTION))
    for place in range(chances.shape[1]):
        mine = best == place
        if mine.sum() >= fewest:
            limits[place] = threshold(sure[mine], right[mine], precision, _CAUTION, everywhere)
    return limits


class Usual:
    """How often guesses of all categories are right from each probability upwards; it counts for so many guesses."""

    def __init__(self, sure: Floats, right: NDArray[np.bool_], count: int) -> None:
        order = np.argsort(sure, kind="stable")
        self._sure = sure[order]
        self._right = np.append(np.cumsum(right[order][::-1])[::-1], 0)
        self.count = count

    def right(self, limits: Floats) -> Floats:
        """How many of `count` guesses are right from each limit upwards."""
        first = np.searchsorted(self._sure, limits)
        share: Floats = self._right[first] / np.maximum(len(self._sure) - first, 1)
        return self.count * share


def threshold(
    sure: Floats, right: NDArray[np.bool_], precision: float, caution: float = 0.0, usual: Usual | None = None
) -> float:
    """The lowest probability so that the guesses from there upwards are right so often; NEVER where there is none.

    With caution they must be right oftener by so many standard errors; what is usual counts beside them.
    """
    order = np.argsort(-sure, kind="stable")
    counts = np.arange(1, len(order) + 1) + (usual.count if usual else 0)
    share = (np.cumsum(right[order]) + (usual.right(sure[order]) if usual else 0)) / counts
    wanted = precision + caution * np.sqrt(precision * (1 - precision) / counts)
    # Equal probabilities pass or fail together: only the last of them can be a threshold.
    last = np.append(np.diff(sure[order]) < 0, np.ones(min(1, len(order)), dtype=np.bool_))
    enough = np.flatnonzero((share >= wanted) & last)
    return float(sure[order][enough[-1]]) if len(enough) else NEVER


def _surprise(scores: Floats, truth: Ints, temperature: float) -> float:
    chances = probabilities(scores, temperature)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())
