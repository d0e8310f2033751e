"""The test for coincidence: what alarms, what does not, on young and old desks; and whose words belong together."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.incidents import detector as incident_detector
from desk.incidents import duplicates, similarity
from desk.incidents.detector import Key, Past, Rate, Traffic, Window

NOW = datetime(2026, 11, 2, 9, 40, tzinfo=UTC)
NETWORK = Key("Network")


def windows(short: int, long: int) -> list[Window]:
    return [Window(15, short, short), Window(60, long, long)]


def test_with_certain_knowledge_the_chance_is_poissons() -> None:
    mean = 2.0
    exact = 1 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(7))
    assert incident_detector.chance(7, Rate(2.0, 1e7), 60) == pytest.approx(exact, rel=1e-4)
    assert incident_detector.chance(0, Rate(2.0, 10), 60) == 1.0


@given(st.integers(1, 400), st.floats(0.001, 500), st.floats(1, 1000), st.sampled_from([15, 60]))
def test_a_chance_is_a_probability_and_falls_with_every_person(
    people: int, per_hour: float, certainty: float, minutes: int
) -> None:
    rate = Rate(per_hour, certainty)
    less, more = incident_detector.chance(people, rate, minutes), incident_detector.chance(people + 1, rate, minutes)
    assert 0 <= more <= less * (1 + 1e-9) and less <= 1


def test_less_than_three_people_never_alarm() -> None:
    assert incident_detector.alarm(NETWORK, windows(2, 2), Rate(1e-6, 40)) is None
    found = incident_detector.alarm(NETWORK, windows(3, 3), Rate(0.05, 40))
    assert found is not None and (found.people, found.minutes) == (3, 15)
    assert "3 people wrote about Network within 15 minutes" in found.why


def test_what_is_usual_does_not_alarm() -> None:
    assert incident_detector.alarm(NETWORK, windows(5, 14), Rate(12.0, 40)) is None


def test_a_dismissed_alarm_needs_twice_the_people() -> None:
    rate = Rate(0.1, 40)
    assert incident_detector.alarm(NETWORK, windows(5, 6), rate, dismissed=6) is None
    assert incident_detector.alarm(NETWORK, windows(9, 12), rate, dismissed=6) is not None


def test_a_young_desk_neither_alarms_at_once_nor_sleeps() -> None:
    past = incident_detector.past(NOW, NOW)
    rate = incident_detector.rate_of(Traffic(), 0, Traffic(), past)
    assert incident_detector.alarm(NETWORK, windows(3, 3), rate) is None
    assert incident_detector.alarm(NETWORK, windows(9, 9), rate) is not None


def test_a_calm_category_of_an_old_desk_alarms_at_few() -> None:
    past, desk = Past(672, 6, 42), Traffic(4000, 60, 420)
    rate = incident_detector.rate_of(Traffic(20, 0, 1), 672, desk, past)
    busy = incident_detector.rate_of(Traffic(2000, 40, 300), 672, desk, past)
    assert rate.per_hour < 0.2 < 4 < busy.per_hour
    assert incident_detector.alarm(NETWORK, windows(4, 4), rate) is not None
    assert incident_detector.alarm(NETWORK, windows(4, 4), busy) is None


def test_a_busy_hour_of_the_whole_desk_is_no_incident() -> None:
    past, desk = Past(672, 6, 42), Traffic(4000, 36, 250)
    assert incident_detector.busyness(5, desk, past) == 1.0
    assert incident_detector.busyness(60, desk, past) > 2.5


def test_it_is_over_when_an_hour_was_usual() -> None:
    assert incident_detector.is_over(Window(60, 2, 9), Rate(0.01, 40))
    assert incident_detector.is_over(Window(60, 7, 7), Rate(6, 40))
    assert not incident_detector.is_over(Window(60, 12, 12), Rate(2, 40))


def test_a_week_has_its_hours() -> None:
    near = incident_detector.slots(NOW)
    assert max(near, key=near.__getitem__) == 9 and set(near) <= {8, 9, 10}
    midnight = incident_detector.slots(datetime(2026, 11, 2, 0, 5, tzinfo=UTC))
    assert 167 in midnight and sum(midnight.values()) == pytest.approx(1.5, abs=0.1)
    assert incident_detector.past(NOW - timedelta(weeks=2), NOW).slot == pytest.approx(2 * sum(near.values()), rel=0.3)
    assert incident_detector.past(NOW - timedelta(days=90), NOW).hours == 28 * 24


def test_the_words_that_many_share_now_make_the_core() -> None:
    usual = ["please reset my password", "the printer is out of paper", "I cannot find the invoice, please send it"]
    said = ["VPN drops, please help", "the vpn is down again", "cannot connect: VPN drops", "vpn?? the tunnel drops"]
    core = similarity.core(said, usual * 5)
    assert "vpn" in core.words and "the" not in core.words
    assert core.likeness("my VPN drops") >= similarity.MEMBER > core.likeness("please send the invoice")
    assert similarity.core([], []).likeness("vpn") == 0.0
    assert similarity.words("Wörter, ÉTÉ! ネットワーク") >= {"worter", "ete"}


GREETED = "Hello,\n\nour coffee machine on floor 3 leaks, and the whole kitchen is wet, please send someone.\n"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (GREETED, GREETED.replace("Hello,", "Good morning everybody,"), True),
        (GREETED, GREETED.upper(), True),
        (GREETED, GREETED + "2026-11-02 09:14", True),
        (GREETED, GREETED.replace("floor 3", "floor 4"), False),
        ("I need a copy of invoice 4711", "I need a copy of invoice 4712", False),
        ("Toner is out.", "toner is out", True),
        ("Toner is out", "Toner is in", False),
        ("", "", False),
    ],
)
def test_the_same_said_twice_is_recognised(one: str, other: str, same: bool) -> None:
    assert duplicates.is_repeat(duplicates.said("", one), duplicates.said("", other)) is same


def test_without_any_text_the_subject_counts() -> None:
    assert duplicates.is_repeat(duplicates.said("Re toner", ""), duplicates.said("re  Toner!", " \n"))


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_texts_can_be_compared(one: str, other: str) -> None:
    mine, theirs = duplicates.said(one, other), duplicates.said(other, one)
    assert duplicates.is_repeat(mine, theirs) == duplicates.is_repeat(theirs, mine)
    assert 0 <= similarity.core([one, other], [one]).likeness(other) <= 1


@given(
    st.lists(
        st.sampled_from(["the", "toner", "of", "our", "printer", "is", "empty", "again", "please", "bring", "noon"]),
        min_size=40,
    )
)
def test_what_is_nearly_the_same_has_a_probe_of_it(words: list[str]) -> None:
    one = "Hello,\n\n" + " ".join(words)
    other = "Good morning Mrs Miller,\n\n" + "\n".join(words).upper()
    assert duplicates.is_repeat(duplicates.said("", one), duplicates.said("", other))
    assert any(probe in duplicates.line(other) for probe in duplicates.probes(duplicates.line(one)))
    assert duplicates.probes("too short to ask") == ("",)
