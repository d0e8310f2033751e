"""The measured numbers: probabilities, temperature, thresholds and the marks of a model."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from classifier import chances, evaluate
from classifier.lesson import Examples
from classifier.train import train

RNG = np.random.default_rng(11)


def test_probabilities_survive_any_score() -> None:
    found = chances.probabilities(np.array([[1e6, -1e6, 0.0], [0.0, 0.0, 0.0]]), 0.1)
    np.testing.assert_allclose(found, np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]))


def test_the_temperature_that_made_the_labels_is_found_again() -> None:
    scores = RNG.normal(size=(20_000, 5))
    truth = np.array([RNG.choice(5, p=row) for row in chances.probabilities(scores, 0.4)])
    assert chances.best_temperature(scores, truth) == pytest.approx(0.4, rel=0.1)


def test_a_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    sure = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert chances.threshold(sure, np.array([True, True, False, True, False]), 0.75) == 0.6
    assert chances.threshold(sure, np.zeros(5, dtype=bool), 0.75) == chances.NEVER
    assert chances.threshold(np.empty(0), np.empty(0, dtype=bool), 0.75) == chances.NEVER


def test_a_category_seldom_guessed_gets_the_threshold_of_all() -> None:
    guesses = np.array([[0.9, 0.1]] * 40 + [[0.2, 0.8]] * 3)
    truth = np.array([0] * 40 + [0] * 3)
    limits = chances.thresholds(guesses, truth, 0.95, fewest=30)
    assert limits.tolist() == [0.9, 0.9]


def test_one_mistake_among_a_few_guesses_costs_a_category_not_its_threshold() -> None:
    """Ninety right guesses of one category say what 0.8 is worth; in the other the surest guess was wrong."""
    guesses = np.array([[0.8, 0.2]] * 400 + [[0.1, 0.9]] + [[0.2, 0.8]] * 39)
    truth = np.array([0] * 401 + [1] * 39)
    assert chances.thresholds(guesses, truth, 0.95, fewest=30).tolist() == [0.8, 0.8]


def test_a_category_that_is_often_wrong_has_a_higher_threshold() -> None:
    guesses = np.array([[0.8, 0.2]] * 400 + [[0.2, 0.8]] * 60)
    truth = np.array([0] * 400 + [0] * 30 + [1] * 30)
    first, second = chances.thresholds(guesses, truth, 0.95, fewest=30).tolist()
    assert first == 0.8
    assert second == chances.NEVER


def test_too_few_examples_make_nothing_automatic() -> None:
    assert chances.thresholds(np.array([[0.9, 0.1]]), np.array([0]), 0.95, fewest=30).tolist() == [chances.NEVER] * 2


def test_macro_f1_is_that_of_sklearn() -> None:
    truth, guessed = RNG.choice(list("abcd"), 200).tolist(), RNG.choice(list("abcde"), 200).tolist()
    assert evaluate.macro_f1(truth, guessed) == pytest.approx(f1_score(truth, guessed, average="macro"))
    assert evaluate.accuracy(truth, guessed) == pytest.approx(np.mean(np.array(truth) == np.array(guessed)))


def test_separation_is_the_auroc_of_sklearn_with_ties() -> None:
    inside, outside = RNG.integers(0, 20, 80).astype(float), RNG.integers(5, 25, 50).astype(float)
    expected = roc_auc_score([0] * 80 + [1] * 50, np.concatenate([inside, outside]))
    assert evaluate.separation(inside, outside) == pytest.approx(expected)


def test_honest_probabilities_have_no_calibration_error_and_boasting_ones_do() -> None:
    right = [True] * 80 + [False] * 20
    assert evaluate.calibration_error(right, np.full(100, 0.8)) == pytest.approx(0.0)
    assert evaluate.calibration_error(right, np.full(100, 0.99)) == pytest.approx(0.19)


def test_coverage_counts_what_could_go_alone() -> None:
    assert evaluate.coverage([True, True, False, False], np.array([0.9, 0.8, 0.7, 0.6])) == 0.5
    assert evaluate.coverage([False], np.array([0.9])) == 0.0


def test_letters_are_learnt_for_short_texts_and_left_out_for_long_ones() -> None:
    kinds = ["printr", "invoce"]
    short = [f"{kinds[n % 2]}{RNG.integers(10**6)} broken" for n in range(1_000)]
    long = [" ".join(f"{kinds[n % 2]} w{RNG.integers(300)}" for _ in range(40)) for n in range(1_000)]
    labels = [kinds[n % 2] for n in range(1_000)]
    assert train(Examples(short, labels), {}, seed=0, version="", created="").vocabulary.letters
    assert not train(Examples(long, labels), {}, seed=0, version="", created="").vocabulary.letters


def test_variants_of_one_text_are_kept_back_together() -> None:
    """Each label's families share no word: who is measured on texts of a family unseen cannot be sure of them."""
    texts = [f"{word} {extra}" for word in ("ink", "jam", "wage", "bonus") for extra in range(50)]
    labels = ["print"] * 100 + ["pay"] * 100
    families: list[list[int]] = [[], [number // 50 for number in range(200)]]
    apart, together = (train(Examples(texts, labels, some), {}, seed=0, version="", created="") for some in families)
    assert together.thresholds.min() == chances.NEVER
    assert apart.thresholds.max() < chances.NEVER
