"""The linear model behind a categoriser: one weight a term and category, found in one of three ways.

In come TF-IDF rows, the place of each row's label and a way; out come weights and intercepts, whose scores are one
sparse dot. Which way fits which desk is the trainer's choice. It refuses to know texts, terms and probabilities.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifier.features import Floats, Ints

Way = Literal["margin", "telling", "joint"]
"""margin: each category against the rest, for many categories. telling: the same with a logistic loss, every term
first weighted by how it tells the category from the rest; for few, noisy categories. joint: all categories in one
softmax, for a few examples each, where it is three to four points better than the others."""

# Sixty steps of the joint fit reach the accuracy of a hundred and fifty.
_STEPS = 60


@dataclass(frozen=True)
class Linear:
    """Weights a term and category, and an intercept a category."""

    weights: Floats
    intercepts: Floats


@dataclass(frozen=True)
class Weighing:
    """For how many texts each row counts, and how evenly the labels do.

    With a balance of 1 each label counts the same, with 0 as much as it has texts.
    """

    counts: Floats
    balance: float = 1.0

    def rows(self, truth: NDArray[Any]) -> Floats:
        """How much every row counts, so that all together count as many as there are."""
        _, place = np.unique(truth, return_inverse=True)
        shares = self.counts * np.bincount(place, weights=self.counts)[place] ** -self.balance
        weights: Floats = shares * (self.counts.sum() / shares.sum())
        return weights


def fit(matrix: csr_matrix, truth: Ints, count: int, way: Way, emphasis: Floats, seed: int, weigh: Weighing) -> Linear:
    """A category without examples gets no weight. `emphasis` multiplies the columns while learning only."""
    seen = np.unique(truth)
    weights, intercepts = np.zeros((matrix.shape[1], count + 1)), np.full(count + 1, -1.0)
    if len(seen) < 2:
        intercepts[seen] = 1.0
        return Linear(weights[:, :count], intercepts[:count])
    slopes, offsets = _WAYS[way](csr_matrix(matrix @ diags(emphasis)), truth, seen, weigh, seed)
    weights[:, seen], intercepts[seen] = slopes.T * emphasis[:, None], offsets
    return Linear(weights[:, :count], intercepts[:count])


def scores(matrix: csr_matrix, linear: Linear) -> Floats:
    """One row a text, one column a category."""
    found: Floats = matrix @ linear.weights + linear.intercepts
    return found


def _margin(matrix: csr_matrix, truth: Ints, seen: Ints, weigh: Weighing, seed: int) -> tuple[Floats, Floats]:
    machine = LinearSVC(C=1.0, random_state=seed, tol=1e-2).fit(matrix, truth, weigh.rows(truth))
    return _one_each(machine.coef_, machine.intercept_, seen)


def _joint(matrix: csr_matrix, truth: Ints, seen: Ints, weigh: Weighing, seed: int) -> tuple[Floats, Floats]:
    machine = LogisticRegression(C=20.0, max_iter=_STEPS, tol=1e-4, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(matrix, truth, weigh.rows(truth))
    return _one_each(machine.coef_, machine.intercept_, seen)


def _telling(matrix: csr_matrix, truth: Ints, seen: Ints, weigh: Weighing, seed: int) -> tuple[Floats, Floats]:
    slopes, offsets = [], []
    for label in seen:
        mine = truth == label
        tells = _tells(matrix, mine)
        machine = LogisticRegression(C=8.0, solver="liblinear", dual=True, tol=0.1, random_state=seed)
        machine.fit(matrix @ diags(tells), mine, weigh.rows(mine))
        slopes.append(machine.coef_[0] * tells)
        offsets.append(machine.intercept_[0])
    return np.vstack(slopes), np.array(offsets)


def _tells(matrix: csr_matrix, mine: NDArray[np.bool_]) -> Floats:
    """The root of every term's log-count ratio between a category and the rest ("NB-SVM"), one on average."""
    own = 1.0 + np.bincount(matrix[mine].indices, minlength=matrix.shape[1])
    other = 1.0 + np.bincount(matrix[~mine].indices, minlength=matrix.shape[1])
    ratio = np.abs(np.log((own / own.sum()) / (other / other.sum())))
    tells: Floats = np.sqrt(ratio / max(float(ratio.mean()), 1e-12))
    return tells


def _one_each(slopes: Floats, offsets: Floats, seen: Ints) -> tuple[Floats, Floats]:
    """Two categories are one decision for scikit-learn: for the second, against the first."""
    if len(seen) > 2:
        return slopes, offsets
    return np.vstack([-slopes, slopes]), np.concatenate([-offsets, offsets])


_WAYS = {"margin": _margin, "telling": _telling, "joint": _joint}
