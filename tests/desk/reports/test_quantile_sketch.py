"""Lengths as letters: short, joined end to end, and a median that is as near as is promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desk.reports import quantile_sketch
from desk.reports.report import Spread

LENGTHS = st.integers(0, 10 * 366 * 86_400)


@given(LENGTHS)
def test_a_letter_is_as_near_as_promised(seconds: int) -> None:
    read = quantile_sketch.length(quantile_sketch.letter(seconds))
    assert abs(read - seconds) <= seconds * quantile_sketch.ERROR
    assert len(quantile_sketch.letter(seconds).encode()) == 2


@given(LENGTHS, LENGTHS)
def test_a_longer_time_never_has_a_lower_letter(one: int, other: int) -> None:
    assert (one < other) <= (quantile_sketch.letter(one) <= quantile_sketch.letter(other))


@given(st.lists(st.none() | LENGTHS, max_size=200), st.integers(0, 200))
def test_texts_of_letters_are_joined_and_the_median_is_near(lengths: list[int | None], cut: int) -> None:
    some = [one for one in lengths if one is not None]
    text = "".join(map(quantile_sketch.letter, lengths[:cut])) + "".join(map(quantile_sketch.letter, lengths[cut:]))
    told = quantile_sketch.spread(quantile_sketch.counted(text), sum(some))
    if not some:
        assert told == Spread()
        return
    exact = [sorted(some)[-(-len(some) * part // 10) - 1] for part in (5, 9)]
    assert (told.count, told.mean) == (len(some), sum(some) / len(some))
    for near, true in zip((told.median, told.p90), exact, strict=True):
        assert near is not None
        assert abs(near - true) <= true * quantile_sketch.ERROR


def test_what_is_longer_than_a_life_and_shorter_than_nothing_has_a_letter_too() -> None:
    assert quantile_sketch.length(quantile_sketch.letter(-5)) == 0
    assert quantile_sketch.letter(10**12) == quantile_sketch.letter(10**11)
    assert quantile_sketch.letter(10**12) < "\u0800"
