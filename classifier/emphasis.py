"""How loud every term is heard while learning: louder the more of its texts share one label.

In come TF-IDF rows, the place of each row's label and how much each row counts; out comes one factor a column. A term
that stands in twelve texts of two labels tells more than one in twelve texts of nine, and rarity alone does not see
that. It refuses to know texts, ways of fitting and what is asked later: the factors end up inside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags

from classifier.features import Floats, Ints


@dataclass(frozen=True)
class Voice:
    """How the two blocks of columns are heard.

    `together` is the power of "how many texts a label that has the term", `apart_letters` the power of "how few of
    the labels have these letters at all" (1 + the logarithm), `letters` how much louder letters are than words.
    """

    together: float
    apart_letters: float
    letters: float


def emphasis(matrix: csr_matrix, truth: Ints, counts: Floats, words: int, voice: Voice) -> Floats:
    """One factor a column, of which the first so many are words; each block has its loudness on average (root)."""
    texts, labels = _spread(matrix, truth, counts)
    seen = max(1, len(np.unique(truth)))
    loud = np.maximum(texts / labels, 1.0) ** voice.together
    loud[words:] *= (1.0 + np.log(np.maximum(seen / labels[words:], 1.0))) ** voice.apart_letters
    for block, level in ((loud[:words], 1.0), (loud[words:], voice.letters)):
        if len(block):
            block *= level / np.sqrt(np.mean(block**2))
    return loud


def _spread(matrix: csr_matrix, truth: Ints, counts: Floats) -> tuple[Floats, Floats]:
    """In how many texts every term stands, and over how many labels these are spread (e to the entropy, at least 1)."""
    seen, place = np.unique(truth, return_inverse=True)
    present = csr_matrix((counts[_rows(matrix)], matrix.indices, matrix.indptr), shape=matrix.shape)
    texts = np.asarray(present.sum(axis=0)).ravel()
    sizes = np.bincount(place, weights=counts, minlength=len(seen))
    member = csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), shape=(len(seen), len(place)))
    rates = csr_matrix(diags(1.0 / sizes) @ member @ present)
    share = rates.data / np.asarray(rates.sum(axis=0)).ravel()[rates.indices]
    entropy = np.bincount(rates.indices, weights=-share * np.log(share), minlength=matrix.shape[1])
    return texts, np.exp(entropy)


def _rows(matrix: csr_matrix) -> Ints:
    rows: Ints = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows
