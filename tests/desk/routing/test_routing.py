"""Who gets a ticket: rules in order, strategies, skills, absence; and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from desk.routing.routing import (
    BadRouting,
    Member,
    Options,
    Rule,
    Strategy,
    Team,
    Wish,
    choose,
    given,
    read_options,
    read_rule,
    read_skills,
    standings,
    walk,
)
from desk.routing.skills import Need, matching
from desk.sla.business_hours import read as read_hours

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
NINE_TO_FIVE = read_hours("UTC", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}])


def team(*members: Member, strategy: Strategy = Strategy.LEAST_LOADED, options: Options | None = None) -> Team:
    return Team(1, "Support", strategy, members, options=options or Options())


def names(rules: list[Rule]) -> list[str]:
    return [rule.name for rule in rules]


def test_rules_act_in_order_until_one_names_a_team() -> None:
    urgent = read_rule("urgent", [{"field": "subject", "contains": "down"}], {"priority": "urgent"})
    night = read_rule("night", [{"field": "priority", "is": "urgent"}], {"team": "Night"})
    rest = read_rule("rest", [], {"team": "Support"})
    facts = {"subject": "Server down", "priority": "medium"}
    assert names(walk([urgent, night, rest], facts)) == ["urgent", "night"]
    assert names(walk([urgent, night, rest], facts | {"subject": "Hello"})) == ["rest"]


def test_a_later_rule_sees_the_tags_and_fields_of_an_earlier_one() -> None:
    first = read_rule("first", [], {"tag": "vip", "field": {"site": "Oslo"}})
    second = read_rule(
        "second", [{"field": "tags", "is": "vip"}, {"field": "field.site", "is": "oslo"}], {"tag": "seen"}
    )
    third = read_rule("third", [{"field": "tags", "is": "nothing"}], {"tag": "never"})
    assert names(walk([first, second, third], {"tags": ()})) == ["first", "second"]


@pytest.mark.parametrize(
    ("conditions", "actions", "said"),
    [
        ([], {"reply": "Hello"}, "nothing for a routing rule"),
        ([], {}, "should do something"),
        ([{"field": "weather", "is": "fine"}], {"team": "A"}, "is no field"),
        ([], {"team": ""}, "should be a text"),
        ([], {"team": "A", "skills": [7]}, "should be texts"),
        ([], "team A", "should look like"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_place(conditions: object, actions: object, said: str) -> None:
    with pytest.raises(BadRouting, match=said):
        read_rule("wrong", conditions, actions)


def test_skills_stand_among_the_actions() -> None:
    rule = read_rule("german", [], {"team": "A", "skills": ["German", "VPN", "German"]})
    assert rule.skills == ("German", "VPN") and [action.do for action in rule.actions] == ["team"]
    assert read_rule("listed", [], [{"team": "A"}, {"skills": "VPN"}]).skills == ("VPN",)
    with pytest.raises(BadRouting, match="at most 20"):
        read_skills([str(number) for number in range(21)])


def test_options_of_a_team_are_checked() -> None:
    assert read_options({"previous": True}) == Options(True, 30)
    for wrong in ({"escalate_minutes": 0}, {"escalate_minutes": True}, {"speed": 1}):
        with pytest.raises(BadRouting, match="should look like"):
            read_options(wrong)


def test_round_robin_gives_to_who_waited_longest() -> None:
    both = team(
        Member(1, "Anna", last=NOW - timedelta(minutes=5), open=0),
        Member(2, "Ben", last=NOW - timedelta(minutes=16), open=9),
        strategy=Strategy.ROUND_ROBIN,
    )
    choice = choose(both, Wish(), NOW)
    assert choice.member and choice.member.name == "Ben"
    assert choice.why == "next in turn, 9 open, last assigned 09:14"


def test_least_loaded_counts_by_weight_and_stops_at_capacity() -> None:
    anna, ben = Member(1, "Anna", weight=2, open=3, capacity=4), Member(2, "Ben", open=2)
    assert choose(team(anna, ben), Wish(), NOW).member == anna
    full = replace(anna, open=4)
    assert choose(team(full, ben), Wish(), NOW).member == ben
    nobody = choose(team(full), Wish(), NOW)
    assert nobody.member is None and nobody.why == "nobody in Support: Anna has 4 of 4 open"


def test_the_skills_that_decided_are_told_with_load_and_turn() -> None:
    anna = Member(1, "Anna", skills=("German", "Billing"), open=3, capacity=8, last=NOW - timedelta(minutes=16))
    ben = Member(2, "Ben", skills=("French",))
    choice = choose(team(anna, ben, strategy=Strategy.SKILL), Wish("Billing / Invoice", "de"), NOW)
    assert choice.member == anna
    assert choice.why == "skill German + Billing, 3 of 8 open, last assigned 09:14"


def test_a_language_that_nobody_in_the_team_has_strands_no_ticket() -> None:
    only = team(Member(1, "Anna", skills=("German",)), strategy=Strategy.SKILL)
    assert choose(only, Wish("Access", "pt"), NOW).member is not None


def test_a_skill_that_a_rule_asks_for_is_never_waived_before_its_time() -> None:
    only = team(Member(1, "Anna"))
    assert choose(only, Wish(skills=("VPN",)), NOW).why == "nobody in Support for VPN: Anna lacks VPN"
    late = choose(only, Wish(skills=("VPN",), late=True), NOW)
    assert late.member and late.why.startswith("nobody with the skills came in time")


def test_a_named_language_is_met_however_it_is_written() -> None:
    for skill in ("German", "deutsch", "language:de"):
        assert choose(team(Member(1, "Anna", skills=(skill,))), Wish(skills=("German",)), NOW).member
    assert choose(team(Member(1, "Anna", skills=("IT",)), strategy=Strategy.SKILL), Wish(language="it"), NOW).member


@pytest.mark.parametrize(
    ("skill", "category", "fits"),
    [
        ("VPN", "Access / VPN", True),
        ("access", "Access / VPN", True),
        ("Access / VPN", "Access / VPN", True),
        ("category:Access", "Access / VPN", True),
        ("category:VPN", "Access / VPN", False),
        ("Acc", "Access / VPN", False),
    ],
)
def test_a_skill_is_a_category_or_a_part_of_its_name(skill: str, category: str, fits: bool) -> None:
    assert (matching((skill,), Need("category", category)) is not None) is fits


def test_it_is_a_trade_and_no_language() -> None:
    both = team(
        Member(1, "Anna", skills=("IT",), open=5), Member(2, "Ben", skills=("Italian",)), strategy=Strategy.SKILL
    )
    choice = choose(both, Wish(language="it"), NOW)
    assert choice.member and choice.member.name == "Ben"


def test_who_had_the_requester_before_comes_first_if_the_team_wants_it() -> None:
    anna, ben = Member(1, "Anna", open=0), Member(2, "Ben", open=7)
    wish = Wish(previous=2)
    assert choose(team(anna, ben), wish, NOW).member == anna
    choice = choose(team(anna, ben, options=Options(previous=True)), wish, NOW)
    assert choice.member == ben and choice.why.startswith("had this requester before, 7 open")


def test_the_absent_get_nothing_and_it_is_said_until_when() -> None:
    away = Member(1, "Anna", away_from=NOW - timedelta(days=1), away_until=NOW + timedelta(days=1))
    gone = Member(2, "Ben", away_from=NOW - timedelta(days=1))
    off = Member(3, "Cleo", available=False)
    full = Member(4, "Dan", open=8, capacity=8)
    home = Member(5, "Eve", calendar=read_hours("UTC", [{"days": "mon-fri", "from": "10:00", "to": "12:00"}]))
    never = Member(6, "Finn", weight=0)
    told = [one.hindrance for one in standings(team(away, gone, off, full, home, never), Wish(), NOW)]
    assert told == [
        "is away until Wed 4 Mar 09:30",
        "is away",
        "is not available",
        "has 8 of 8 open",
        "is off work until 10:00",
        "takes no routed tickets",
    ]


def test_an_absence_that_is_to_come_hinders_nobody_yet() -> None:
    later = Member(1, "Anna", away_from=NOW + timedelta(days=1), away_until=NOW + timedelta(days=2))
    assert choose(team(later), Wish(), NOW).member == later


def test_after_hours_is_told_apart_from_nobody_there() -> None:
    anna, ben = Member(1, "Anna", calendar=NINE_TO_FIVE), Member(2, "Ben", calendar=NINE_TO_FIVE)
    night = NOW.replace(hour=22)
    closed = choose(team(anna, ben), Wish(), night)
    assert closed.member is None and closed.closed and "Anna is off work until Wed 4 Mar 09:00" in closed.why
    assert not choose(team(anna, replace(ben, available=False)), Wish(), night).closed
    assert not choose(team(), Wish(), NOW).closed


def test_who_gave_it_away_does_not_get_it_back() -> None:
    anna, ben = Member(1, "Anna"), Member(2, "Ben", open=50)
    assert choose(team(anna, ben), Wish(never=frozenset({1})), NOW).member == ben


@examples(
    st.sampled_from([Strategy.ROUND_ROBIN, Strategy.LEAST_LOADED, Strategy.SKILL]),
    st.integers(1, 9),
    st.integers(0, 120),
)
def test_equal_agents_never_differ_by_more_than_one(strategy: Strategy, count: int, tickets: int) -> None:
    now = team(*(Member(number, f"Agent {number}") for number in range(1, count + 1)), strategy=strategy)
    for number in range(tickets):
        at = NOW + timedelta(microseconds=number)
        choice = choose(now, Wish(), at)
        assert choice.member
        now = given(now, choice.member.id, at)
    loads = [member.open for member in now.members]
    assert sum(loads) == tickets and max(loads) - min(loads) <= 1
