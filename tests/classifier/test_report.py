"""The report of an evaluation: every number of the accuracy page, and nothing that JSON cannot hold."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from classifier.evaluate import Report, majority, report

CLASSES = ["net", "pay", "print"]
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def guessed() -> Report:
    chances = RNG.dirichlet([0.4, 0.4, 0.4], 400)
    truth = [str(RNG.choice(CLASSES, p=row)) for row in chances]
    return report(CLASSES, chances, truth, [0.8, 0.9, 1.01], {"words": ["pay"] * 200 + [None] * 200})


def test_a_report_of_four_texts_can_be_checked_by_hand() -> None:
    chances = [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.05, 0.95, 0.0], [0.3, 0.3, 0.4]]
    found = report(CLASSES, chances, ["net", "pay", "net", "print"], [0.8, 0.9, 0.9])
    assert (found.count, found.accuracy, found.automatic, found.automatic_precision) == (4, 0.75, 0.5, 0.5)
    assert [(one.truth, one.guessed, one.count) for one in found.confusions] == [("net", "pay", 1)]
    assert [(one.place, one.probability) for one in found.worst] == [(2, 0.95)]
    net, pay, _ = found.categories
    assert (net.support, net.guessed, net.precision, net.recall) == (2, 1, 1.0, 0.5)
    assert (pay.threshold, pay.automatic, pay.automatic_precision) == (0.9, 0.5, 0.0)


def test_each_category_has_the_figures_of_sklearn() -> None:
    chances = RNG.dirichlet([1, 1, 1], 300)
    truth = RNG.choice(CLASSES, 300).tolist()
    said = [CLASSES[place] for place in chances.argmax(axis=1)]
    expected = precision_recall_fscore_support(truth, said, labels=CLASSES)
    found = report(CLASSES, chances, truth, [0.5] * 3).categories
    np.testing.assert_allclose([[c.precision, c.recall, c.f1, c.support] for c in found], np.array(expected).T)


def test_the_reliability_table_counts_every_text_once(guessed: Report) -> None:
    assert len(guessed.reliability) == 10
    assert sum(row.count for row in guessed.reliability) == guessed.count
    assert all(row.low <= row.stated <= row.high for row in guessed.reliability if row.count)
    assert sum(row.measured * row.count for row in guessed.reliability) == pytest.approx(guessed.accuracy * 400)


def test_the_majority_and_other_guesses_stand_beside_the_model(guessed: Report) -> None:
    rivals = {one.name: one for one in guessed.beside}
    assert set(rivals) == {"majority", "words"}
    support = {one.category: one.support for one in guessed.categories}
    assert rivals["majority"].accuracy == max(support.values()) / 400
    assert rivals["words"].accuracy < rivals["majority"].accuracy < guessed.accuracy


def test_who_reads_nothing_says_the_most_frequent_label() -> None:
    assert majority(["b", "a", "b"], 2) == ["b", "b"]
    assert majority(["b", "a"], 1) == ["a"]
    assert majority([], 3) == []


def test_a_true_label_that_the_model_lacks_counts_as_wrong() -> None:
    found = report(["a"], [[1.0], [1.0]], ["a", "new"], [0.5])
    assert found.accuracy == 0.5
    assert Counter(one.truth for one in found.confusions) == {"new": 1}


def test_a_report_is_json_and_says_the_same_there(guessed: Report) -> None:
    read = json.loads(json.dumps(guessed.to_json(), allow_nan=False))
    assert read == guessed.to_json()
    assert read["worst"][0].keys() == {"place", "truth", "guessed", "probability"}


def test_nothing_to_measure_is_no_error() -> None:
    found = report(CLASSES, np.empty((0, 3)), [], [0.5] * 3)
    assert (found.count, found.accuracy, found.automatic_precision, found.worst) == (0, 0.0, None, ())
    json.dumps(found.to_json(), allow_nan=False)
