"""Which tickets teach the most."""

from __future__ import annotations

from dataclasses import dataclass

from desk.learning.active_learning import hesitation, most_useful


@dataclass(frozen=True)
class Open:
    name: str
    requester_id: int
    choices: tuple[tuple[str, float], ...]


def doubt(name: str, kind: str, first: float, second: float, requester: int = 0) -> Open:
    return Open(name, requester or hash(name), ((kind, first), ("other", second)))


def test_it_asks_about_what_it_hesitates_over() -> None:
    sure, torn = doubt("sure", "a", 0.8, 0.1), doubt("torn", "b", 0.41, 0.4)
    assert most_useful([sure, torn], 1) == [torn]
    assert hesitation(Open("x", 1, ())) == 0.0


def test_every_kind_is_asked_about_before_a_second_of_one() -> None:
    many = [doubt(f"a{number}", "a", 0.4, 0.39) for number in range(5)]
    rare = doubt("rare", "b", 0.6, 0.3)
    assert rare in most_useful([*many, rare], 2)


def test_one_requester_is_not_all_that_it_asks_about() -> None:
    flood = [doubt(f"f{number}", "a", 0.4, 0.39, requester=666) for number in range(9)]
    assert len(most_useful(flood, 9)) == 2
