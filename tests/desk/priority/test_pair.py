"""The trained pair of priority: what it adds to the rules, how it is asked, and that it belongs to its examples."""

from __future__ import annotations

import json
from math import exp, sqrt
from pathlib import Path

import pytest

from classifier.priority_examples import checksum, examples
from desk.config.settings import read
from desk.priority import pair, signals, terms
from desk.priority.assess import judge, matrix
from desk.priority.levels import Priority

SHIPPED = Path(pair.__file__).with_name("pair.json")
UNSEEN = Path(__file__).with_name("unseen.tsv")


def rows() -> list[tuple[str, str, str]]:
    lines = UNSEEN.read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(label, language, text.replace(" | ", "\n")) for label, language, text in parts]


def test_the_pair_is_made_from_the_examples() -> None:
    assert pair.trained().made_from == checksum()


def test_the_pair_is_small() -> None:
    assert SHIPPED.stat().st_size < 1_500_000


def test_there_are_examples_of_eight_languages_and_every_kind() -> None:
    written = examples()
    assert len({example.language for example in written}) == 8
    assert {example.urgency for example in written} == {"emergency", "blocked", "degraded", "normal", "minor"}
    assert {example.impact for example in written} == {"many", "team", "one"}
    assert len(written) > 5_000
    assert not [example.text for example in written if "{" in example.text or "|" in example.text]


def test_the_examples_are_the_same_every_time() -> None:
    assert examples() == examples()


def test_adding_gives_what_the_models_would() -> None:
    text = "The pickers in hall 4 stand idle, 30 handhelds lost the server. The handhelds!"
    marks, tokens = signals.find(text)
    traits = terms.traits(signals.read(text), marks)
    opinion = pair.trained().opinion(tokens, traits)
    assert opinion is not None
    assert [*opinion.impacts.values(), *opinion.urgencies.values()] == pytest.approx(slowly(tokens, traits))


def slowly(tokens: list[str], traits: set[str]) -> list[float]:
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    told = [row for term in terms.terms(tokens) if (row := shipped["terms"].get(term))]
    length = sqrt(sum(row[0] for row in told))
    own = [shipped["traits"][trait] for trait in traits if trait in shipped["traits"]]
    scores = [
        shipped["start"][i] + sum(row[i] for row in own) + sum(row[i + 1] for row in told) / length for i in range(8)
    ]
    powers = [exp(score / shipped["unit"]) for score in scores]
    return [*(power / sum(powers[:3]) for power in powers[:3]), *(power / sum(powers[3:]) for power in powers[3:])]


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("Fifty welders stand around since the plan server died", "urgent"),
        ("No till in any of our stores takes cards", "urgent"),
        ("Someone has broken into our admin account and sends mails to our customers", "urgent"),
        ("My laptop is dead and I have no other one", "high"),
        ("The upload fails and the application must be in by noon", "high"),
        ("Please exchange the lamp, it has the wrong colour", "medium"),
        ("Do you sell the lamp in green too?", "low"),
        ("False alarm, the smoke was toast", "low"),
    ],
)
def test_situations_have_their_priority(text: str, priority: str) -> None:
    assert judge(text).priority == priority, judge(text).reasons


def test_the_words_that_weighed_are_the_reason() -> None:
    reasons = judge("Fifty welders stand around since the plan server died").reasons
    assert reasons
    assert any("'" in reason for reason in reasons)


@pytest.mark.parametrize("text", ["Серверная горит", "サーバーが落ちました", "Lorem ipsum dolor sit amet", "", "?!"])
def test_strange_words_leave_the_rules_alone(text: str) -> None:
    assert judge(text) == judge(text, trained=False)


def test_shouting_changes_nothing() -> None:
    calm = "nobody in the office can log in"
    assert judge(calm.upper() + "!!!").priority is judge(calm).priority
    assert judge("DO YOU SELL SPARE BAGS FOR THE TENT???!!!").priority is Priority.LOW


def test_the_desks_own_matrix_counts_for_the_pair_too() -> None:
    calm = matrix(
        ("many = high medium medium low", "team = medium medium medium low", "one = medium medium medium low")
    )
    assert judge("Fifty welders stand around since the plan server died", by=calm).priority is Priority.HIGH


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert judge("My laptop is dead and I have no other one. " + "word " * 50_000).priority in set(Priority)


def test_one_setting_turns_the_pair_off() -> None:
    assert read({}, {}).priority_trained
    assert not read({"FRONTDESK_PRIORITY_TRAINED": "no"}, {}).priority_trained


def test_messages_that_nobody_trained_on_are_judged_well() -> None:
    judged = [(label, str(judge(text).priority)) for label, _, text in rows()]
    urgent = [called for label, called in judged if label == "urgent"]
    called = [label for label, called in judged if called == "urgent"]
    assert sum(a == b for a, b in judged) / len(judged) >= 0.70
    assert urgent.count("urgent") / len(urgent) >= 0.70
    assert called.count("urgent") / len(called) >= 0.75


@pytest.mark.parametrize(
    "text",
    [
        "and this",
        "and that",
        "1234",
        "look",
        "see below",
        "und das hier",
        "et ça",
        "4711 0815",
        "photo.png",
        "ok, and now?",
    ],
)
def test_a_few_words_that_say_nothing_raise_nothing(text: str) -> None:
    assert judge(text).priority in (Priority.MEDIUM, Priority.LOW)


@pytest.mark.parametrize(
    "text",
    [
        "There is smoke coming out of the server cabinet in the basement, please send somebody now",
        "All tills in the Dresden branch are dead and customers are queueing out of the door",
    ],
)
def test_what_the_pair_raises_is_explained(text: str) -> None:
    judgement = judge(text)
    assert judgement.priority is Priority.URGENT and judgement.reasons


@pytest.mark.parametrize(
    "text",
    [
        "Ihre Rechnung 2026-1182 wurde zweimal von unserem Konto abgebucht. Bitte erstatten Sie einen der Beträge.",
        "I ordered two weeks ago and the tracking page has not moved since. When will it arrive?",
        "The text message with the code never arrives, I have tried three times since yesterday.",
        "Podrían enviarme la factura de octubre otra vez en PDF? La necesita nuestra asesoría.",
    ],
)
def test_an_ordinary_matter_of_one_person_is_not_urgent(text: str) -> None:
    assert judge(text).priority is not Priority.URGENT
