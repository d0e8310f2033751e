"""How loud a term is heard: by how few labels share it, with the texts at hand and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from classifier.emphasis import Voice, emphasis

TRUTH = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
ONE_LABEL, ALL_LABELS, ONE_TEXT = [1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0]
ROWS = csr_matrix(np.array([ONE_LABEL, ALL_LABELS, ONE_TEXT] * 2, dtype=float).T)
ONCE = np.ones(9)


def test_a_term_of_one_label_is_louder_than_one_as_frequent_of_all_labels() -> None:
    loud = emphasis(ROWS, TRUTH, ONCE, 3, Voice(together=0.5, apart_letters=0.0, letters=1.0))
    assert loud[0] / loud[1] == pytest.approx(3**0.5)
    assert loud[1] == pytest.approx(loud[2]), "once in every label says no more than once at all"


def test_letters_that_all_labels_share_are_heard_least() -> None:
    loud = emphasis(ROWS, TRUTH, ONCE, 3, Voice(together=0.0, apart_letters=1.0, letters=1.0))
    assert loud[:3].tolist() == [1.0, 1.0, 1.0]
    assert loud[3] / loud[4] == pytest.approx(1 + np.log(3))
    assert loud[3] == pytest.approx(loud[5])


def test_each_block_has_its_loudness_on_average() -> None:
    loud = emphasis(ROWS, TRUTH, ONCE, 3, Voice(together=0.5, apart_letters=1.0, letters=2.0))
    assert np.sqrt(np.mean(loud[:3] ** 2)) == pytest.approx(1.0)
    assert np.sqrt(np.mean(loud[3:] ** 2)) == pytest.approx(2.0)


def test_a_label_with_many_texts_does_not_own_the_words_of_all() -> None:
    """Nine of ten texts with the word are of the frequent label, but so are nine of ten texts."""
    truth = np.repeat([0, 1], [90, 10])
    rows = csr_matrix(np.column_stack([np.arange(100) % 2 == 0, np.arange(100) < 50]).astype(float))
    loud = emphasis(rows, truth, np.ones(100), 2, Voice(together=1.0, apart_letters=0.0, letters=1.0))
    assert loud[1] / loud[0] == pytest.approx(2.0, rel=0.01)


def test_a_row_that_counts_twice_is_as_if_it_stood_there_twice() -> None:
    counts, voice = np.where(np.arange(9) == 4, 2.0, 1.0), Voice(together=0.5, apart_letters=1.0, letters=2.0)
    again = np.append(np.arange(9), 4)
    doubled = emphasis(ROWS[again], TRUTH[again], np.ones(10), 3, voice)
    np.testing.assert_allclose(emphasis(ROWS, TRUTH, counts, 3, voice), doubled)


def test_a_term_that_nobody_said_and_a_model_without_letters_do_no_harm() -> None:
    rows = csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0]]))
    loud = emphasis(rows, np.array([0, 1]), np.ones(2), 2, Voice(together=0.5, apart_letters=1.0, letters=2.0))
    assert np.isfinite(loud).all()
