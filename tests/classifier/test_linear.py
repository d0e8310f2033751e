"""The ways of fitting: each learns what it is there for, and a few examples with a name are enough to begin."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from classifier import starter
from classifier.lesson import Examples
from classifier.linear import Way, Weighing, fit, scores
from classifier.model import Categoriser
from classifier.train import train

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("way", get_args(Way))
@pytest.mark.parametrize("count", [2, 3, 5])
def test_every_way_tells_apart_what_differs(way: Way, count: int) -> None:
    truth = np.arange(60) % count
    rows = csr_matrix(np.eye(count)[truth] + 0.3 * (RNG.random((60, count)) < 0.2))
    linear = fit(rows, truth, count, way, np.ones(count), 0, Weighing(np.ones(60)))
    assert (scores(rows, linear).argmax(axis=1) == truth).all()


@pytest.mark.parametrize("way", get_args(Way))
def test_a_category_without_examples_is_guessed_last(way: Way) -> None:
    truth = np.array([0, 2] * 10)
    linear = fit(csr_matrix(np.eye(3)[truth]), truth, 3, way, np.ones(3), 0, Weighing(np.ones(20)))
    assert not linear.weights[:, 1].any()
    assert (scores(csr_matrix(np.eye(3)[[0, 2]]), linear).argmax(axis=1) == [0, 2]).all()


def test_the_emphasis_of_the_fit_is_no_part_of_the_question() -> None:
    """Twice as loud while learning is the same as twice the value in training and in asking."""
    truth = np.arange(40) % 4
    rows = csr_matrix(np.eye(4)[truth] + RNG.uniform(0, 0.5, (40, 4)))
    louder = np.array([2.0, 1.0, 1.0, 0.5])
    one = scores(rows, fit(rows, truth, 4, "joint", louder, 0, Weighing(np.ones(40))))
    scaled = csr_matrix(rows.multiply(louder))
    two = scores(scaled, fit(scaled, truth, 4, "joint", np.ones(4), 0, Weighing(np.ones(40))))
    np.testing.assert_allclose(one, two, atol=1e-9)


@pytest.mark.parametrize("way", get_args(Way))
def test_a_row_that_counts_twice_is_as_if_it_stood_there_twice(way: Way) -> None:
    truth = np.arange(40) % 4
    rows = csr_matrix(np.eye(4)[truth] + RNG.uniform(0, 0.5, (40, 4)))
    counts = np.where(np.arange(40) < 10, 2.0, 1.0)
    again = np.concatenate([np.arange(40), np.arange(10)])
    counted = scores(rows, fit(rows, truth, 4, way, np.ones(4), 0, Weighing(counts)))
    doubled = scores(rows, fit(rows[again], truth[again], 4, way, np.ones(4), 0, Weighing(np.ones(50))))
    # "telling" asks in how many texts a term stands, not for how many they count, and the solvers stop early.
    np.testing.assert_allclose(counted, doubled, atol=0.05)


def test_the_words_of_a_hint_decide_where_a_few_examples_lack_them() -> None:
    texts = ["it broke again", "please call me", "it is wrong", "please answer"]
    model = Categoriser().fit_hints(
        texts, ["print", "pay", "print", "pay"], {"print": "toner paper", "pay": "salary payslip"}
    )
    assert model.predict(["the toner is empty", "please, my salary"]).tolist() == ["print", "pay"]


def test_the_hints_of_a_label_with_many_examples_change_nothing() -> None:
    texts = [f"printer {n} jam" for n in range(60)] + [f"salary {n} late" for n in range(60)]
    labels = ["print"] * 60 + ["pay"] * 60
    plain, hinted = (
        train(Examples(texts, labels), hints, seed=0, version="", created="")
        for hints in ({}, {"print": "zebra", "pay": "lion"})
    )
    assert plain.vocabulary.words == hinted.vocabulary.words


def test_a_balance_of_one_makes_labels_count_alike_and_none_leaves_them_their_texts() -> None:
    truth = np.array([0] * 30 + [1] * 10)
    alike, between, own = (Weighing(np.ones(40), balance).rows(truth) for balance in (1.0, 0.5, 0.0))
    assert alike[truth == 0].sum() == pytest.approx(alike[truth == 1].sum()) == pytest.approx(20)
    assert between.sum() == pytest.approx(40)
    assert alike[-1] > between[-1] > own[-1] == 1


def test_uneven_noisy_labels_are_learnt_with_less_balance() -> None:
    """Half of what the many say reads like any of the rare: heard alike, the rare would take it all."""
    texts, labels = _uneven(40, 900, 6)
    trained = Categoriser().fit(texts, labels)
    asked, truth = _uneven(40, 900, 6)
    assert np.mean(trained.predict(asked) == np.array(truth)) >= 0.8


def _uneven(rare: int, many: int, each: int) -> tuple[list[str], list[str]]:
    mixed = [f"common word {RNG.integers(50)} topic{RNG.integers(rare)} please" for _ in range(many)]
    own = [f"topic{n} word {RNG.integers(50)} please" for n in range(rare) for _ in range(each)]
    return mixed + own, ["many"] * many + [f"rare{n}" for n in range(rare) for _ in range(each)]


@pytest.mark.slow
def test_five_examples_and_a_list_of_words_are_right_more_often_than_not() -> None:
    """In forty categories and five languages: as one text, a list of sixty words would be too thin to be heard."""
    texts, labels = starter.examples()
    places = RNG.permutation([place for place, label in enumerate(labels) if label])
    learn = [place for name in starter.hints() for place in [p for p in places if labels[p] == name][:5]]
    asked = [place for place in places if place not in learn][:400]
    model = Categoriser().fit_hints([texts[p] for p in learn], [labels[p] for p in learn], starter.hints())
    said = model.predict([texts[p] for p in asked])
    assert np.mean([guess == labels[p] for guess, p in zip(said, asked, strict=True)]) > 0.5
