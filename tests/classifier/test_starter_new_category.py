"""An admin adds a category with a name and a few words: what the starter model makes of it, at once and corrected."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.model import Categoriser
from classifier.starter import examples, hints

NAME = "Fleet / Cars"
WORDS = "company car leasing fuel card tyres accident workshop mileage"
OBVIOUS = [
    "My company car needs new tyres",
    "fuel card not accepted at the petrol station",
    "the leasing contract of my car ends in June",
    "had an accident with the company car",
    "Car in the workshop, replacement vehicle?",
]
CORRECTIONS = ["Who pays for winter tyres?", "new car from the leasing firm", "scratch in the door of the company car"]
OTHERS = [
    ("Printer not working", "Hardware / Printer"),
    ("Cannot login", "Access / Authentication"),
    ("my card was declined when I wanted to pay", "Billing / Payment"),
    ("I need a parking space for my car", "Facilities / Rooms & Parking"),
    ("the contract for my subscription should end in June", "Billing / Subscription"),
    ("mileage allowance for my business trip is missing", "Finance / Expenses"),
    ("my badge is not accepted at the gate", "Facilities / Keys & Badges"),
    ("Wo bleibt mein Paket?", "Orders & Delivery / Status"),
]


def with_category(corrections: list[str]) -> Categoriser:
    texts, labels = (some[::2] for some in examples())
    own: list[str | None] = [NAME] * len(corrections)
    return Categoriser().fit_hints(texts + corrections, labels + own, {**hints(), NAME: WORDS})


@pytest.fixture(scope="module")
def new() -> Categoriser:
    return with_category([])


@pytest.fixture(scope="module")
def corrected() -> Categoriser:
    return with_category(CORRECTIONS)


@pytest.mark.parametrize("text", OBVIOUS)
def test_a_new_category_gets_its_obvious_messages_at_once(new: Categoriser, text: str) -> None:
    assert new.guess([text])[0].category == NAME


def test_a_new_category_is_there_to_be_chosen(new: Categoriser) -> None:
    assert NAME in new.classes_


def test_three_corrections_are_enough_for_most_of_a_new_category(corrected: Categoriser) -> None:
    assert corrected.predict(OBVIOUS).tolist().count(NAME) >= 4


@pytest.mark.parametrize(("text", "category"), OTHERS)
def test_a_new_category_takes_nothing_from_the_others(new: Categoriser, text: str, category: str) -> None:
    assert new.predict([text]).tolist() == [category]


def test_a_new_category_leaves_nearly_every_example_where_it_was(new: Categoriser) -> None:
    pairs = [(text, label) for text, label in zip(*(some[::2] for some in examples()), strict=True) if label]
    said = new.predict([text for text, _ in pairs])
    assert (said == np.array([label for _, label in pairs])).mean() >= 0.97
