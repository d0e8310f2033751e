"""What may be learned from, who is capped, and when a new model takes over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.learning.learning import Example, Figures, choose, not_this_desks, split, verdict

START = datetime(2026, 3, 2, tzinfo=UTC)


def example(number: int, category: str = "a", requester: int = 0, agent: int | None = 1, said: bool = True) -> Example:
    at = START + timedelta(minutes=number)
    return Example(number, f"words {number}", category, at, requester or number, agent, number, said)


def test_the_same_words_count_once_and_the_newest_word_on_them_wins() -> None:
    one, two = example(1), Example(2, "WORDS  1", "b", START + timedelta(days=1), 9)
    chosen = choose([one, two])
    assert chosen.examples == (two,)
    assert chosen.left_out == {"the same words again": 1}


def test_an_agents_word_goes_before_silence_however_old() -> None:
    old, silent = example(1), Example(2, "words 1", "b", START + timedelta(days=1), 9, said=False)
    assert choose([silent, old]).examples == (old,)


def test_one_requester_fills_only_a_part_of_a_category() -> None:
    flood = [example(n, requester=666) for n in range(1, 101)]
    others = [example(n) for n in range(101, 201)]
    chosen = choose([*flood, *others])
    mine = [one for one in chosen.examples if one.requester_id == 666]
    assert len(mine) == 20
    assert min(one.ticket_id for one in mine) == 81, "the newest stay"
    assert chosen.left_out == {"too many of one requester": 80}
    assert chosen.capped == ("requester 666: 80 in a",)


def test_one_agent_cannot_outweigh_the_others_but_may_work_alone() -> None:
    rogue = [example(n, agent=7) for n in range(1, 401)]
    honest = [example(n, agent=8) for n in range(401, 431)]
    assert sum(one.agent_id == 7 for one in choose([*rogue, *honest]).examples) == 100
    assert len(choose(rogue).examples) == 400


def test_what_no_agent_spoke_on_is_only_a_part() -> None:
    said = [example(n) for n in range(1, 101)]
    silent = [example(n, said=False, agent=None) for n in range(101, 201)]
    chosen = choose([*said, *silent])
    assert sum(not one.said for one in chosen.examples) == 25
    assert chosen.left_out == {"more than a part without an agent's word": 75}
    assert chosen.capped == ()
    assert len(choose(silent).examples) == 5


def test_categories_of_the_starter_that_a_desk_never_uses_are_left_out_once_it_is_known() -> None:
    said = [example(n, "ours") for n in range(1, 500)]
    assert not_this_desks(["theirs", "ours"], said) == frozenset()
    assert not_this_desks(["theirs", "ours"], [*said, example(500, "ours")]) == {"theirs"}


def test_retired_categories_and_tickets_without_words_are_left_out() -> None:
    chosen = choose([example(1, "old"), Example(2, " \n", "a", START, 3), example(3)], frozenset({"old"}))
    assert [one.ticket_id for one in chosen.examples] == [3]
    assert chosen.left_out == {"category is retired": 1, "no text": 1}


def test_the_newest_fifth_of_what_agents_said_is_kept_back() -> None:
    said = [example(n) for n in range(1, 201)]
    silent = [example(n, said=False) for n in range(201, 301)]
    learn, judge = split([*said, *silent])
    assert [one.ticket_id for one in judge] == list(range(161, 201))
    assert len(learn) == 260
    assert split(said[:100]) == (said[:100], [])


def test_a_model_that_is_worse_or_badly_calibrated_is_refused() -> None:
    old = Figures(100, 0.80)
    assert verdict(Figures(100, 0.796), old)[0]
    assert verdict(Figures(100, 0.79), old) == (False, "worse on the newest 100: macro-F1 0.790 instead of 0.800")
    assert not verdict(Figures(600, 0.9, 0.06, 600), Figures(600, 0.8))[0]
    assert verdict(Figures(600, 0.9, 0.06, 400), Figures(600, 0.8))[0], "too few texts to measure calibration"
    assert verdict(Figures(3, 0.1), Figures(3, 0.9))[0], "three words judge nobody"
