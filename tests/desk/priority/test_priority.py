"""The priority of a request: labelled requests in many languages, and the rules one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.config.settings import BadSetting, read
from desk.priority import words as priority_words
from desk.priority.assess import BadMatrix, judge, matrix
from desk.priority.levels import Priority
from desk.tickets import raise_priority
from desk.tickets.ticket import DESK, Actor, ActorKind, Ticket
from desk.tickets.transitions import set_priority

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ALICE = Actor(ActorKind.AGENT, 7, "Alice")
README = (Path(priority_words.__file__).parent / "README.md").read_text(encoding="utf-8")
KINDS = {
    kind.split(" ")[0]
    for line in README.splitlines()
    if line.startswith("| `")
    for kind in re.findall("`([^`]+)`", line.split("|")[1])
}


def rows(table: str) -> Iterator[tuple[str, str, str]]:
    source = (Path(__file__).parents[1] / "languages" / f"{table}.tsv").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line and not line.startswith("#"):
            label, language, text = line.split("\t")
            yield label, language, text


@pytest.mark.parametrize("row", list(rows("priorities_tuned")), ids=lambda row: row[2])
def test_a_request_that_is_known_has_its_priority(row: tuple[str, str, str]) -> None:
    judgement = judge(row[2], trained=False)
    assert judgement.priority == row[0], judgement.reasons


@pytest.mark.parametrize("table", ["priorities_tuned", "priorities_untouched"])
def test_the_trained_pair_leaves_most_of_what_the_rules_know(table: str) -> None:
    judged = [(label, str(judge(text).priority)) for label, _, text in rows(table)]
    called = [label for label, priority in judged if priority == "urgent"]
    assert sum(a == b for a, b in judged) / len(judged) >= 0.85
    assert called.count("urgent") / len(called) >= 0.9


def test_requests_that_nobody_tuned_on_are_judged_well() -> None:
    judged = [(label, str(judge(text, trained=False).priority)) for label, _, text in rows("priorities_untouched")]
    urgent = [pair for pair in judged if pair[0] == "urgent"]
    called = [pair for pair in judged if pair[1] == "urgent"]
    assert sum(a == b for a, b in judged) / len(judged) >= 0.92
    assert sum(a == b for a, b in urgent) / len(urgent) >= 0.85
    assert sum(a == b for a, b in called) / len(called) >= 0.95


def test_there_are_enough_examples() -> None:
    assert len([*rows("priorities_tuned"), *rows("priorities_untouched")]) >= 150


@pytest.mark.parametrize("language", priority_words.languages())
def test_a_table_has_only_kinds_that_are_explained(language: str) -> None:
    kinds = {kind.split(" ")[0] for kind, _ in priority_words.of_language(language)}
    assert kinds <= KINDS


@pytest.mark.parametrize("text", ["please change the font of my signature", "send me the invoice", "My laptop is slow"])
def test_shouting_changes_nothing(text: str) -> None:
    loud = f"URGENT!!! ASAP {text.upper()}!!!!"
    assert judge(loud).priority is judge(text).priority


def test_the_reasons_quote_the_words() -> None:
    assert judge("Hello,\nnobody can log in since 9").reasons == ("'nobody can log in': affects many users",)


def test_a_vip_is_raised_by_one_step_and_never_above_high() -> None:
    assert judge("Please order a chair", vip=True).priority is Priority.HIGH
    assert judge("There is a typo in the menu", vip=True).priority is Priority.MEDIUM
    assert judge("My account is locked", vip=True).priority is Priority.HIGH
    assert judge("Please order a chair", plan="Gold").reasons == ("the plan 'Gold' raises it: one step up",)


def test_the_matrix_is_one_setting() -> None:
    mild = matrix(("many = high high medium low", "team = medium medium medium low", "one = medium medium medium low"))
    assert judge("Nobody can log in", by=mild).priority is Priority.HIGH


@pytest.mark.parametrize("bad", [(), ("many = urgent",), ("all = urgent high medium low",), ("one = a b c d",)])
def test_a_wrong_matrix_is_named(bad: tuple[str, ...]) -> None:
    with pytest.raises(BadMatrix):
        matrix(bad)
    with pytest.raises(BadSetting, match="FRONTDESK_PRIORITY_MATRIX"):
        read({"FRONTDESK_PRIORITY_MATRIX": ",".join(bad)}, {})


def _ticket(**more: object) -> Ticket:
    return Ticket(1, "s", 2, NOW, NOW, **more)  # type: ignore[arg-type]


def test_a_later_message_raises_and_never_lowers() -> None:
    urgent = raise_priority.raised(_ticket(), judge("Now nobody can log in"), NOW + timedelta(hours=1))
    assert urgent.ticket.priority is Priority.URGENT
    assert urgent.events[0].actor == DESK
    assert "nobody can log in" in urgent.events[0].why
    assert not raise_priority.raised(urgent.ticket, judge("There is a typo"), NOW).events


def test_what_an_agent_set_is_left_alone() -> None:
    low = set_priority(_ticket(), Priority.LOW, ALICE, NOW).ticket
    assert not raise_priority.raised(low, judge("Nobody can log in"), NOW).events


@given(st.text(max_size=2_000))
def test_any_text_gets_a_judgement(text: str) -> None:
    assert judge(text).priority in Priority


@pytest.mark.parametrize("piece", ["not ", ".", "!", "\n", "nobody can log in, ", "所", "a" * 50 + " ", "1 users "])
def test_a_very_long_text_is_judged_like_its_beginning(piece: str) -> None:
    assert judge(piece * 200_000).priority in Priority
