"""Nearness of requests: the rare words decide, small talk does not, and the reasons are words of both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifier.similar import Text, nearest, telling

ASKED = Text("Kestrel token", "Hello, my Kestrel token shows error E-77. Thanks, Ada")


def test_the_same_trouble_in_other_words_is_nearest() -> None:
    others = [
        Text("Parking", "Hello, where can I park on Monday? Thanks, Ada"),
        Text("error e-77", "since today the kestrel token does not work"),
        Text("Token", "I need a new token for my travel."),
    ]
    found = nearest(ASKED, others)
    assert [near.place for near in found][:1] == [1]
    assert {"kestrel", "token"} <= set(found[0].because)
    assert all(near.place != 0 for near in found)


def test_a_request_is_most_like_itself() -> None:
    (near,) = nearest(ASKED, [ASKED])
    assert near.likeness > 0.999


def test_the_telling_words_are_the_rare_ones() -> None:
    assert telling(ASKED)[0] == "kestrel"
    assert "hello" not in telling(ASKED, 3)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_it(one: str, other: str) -> None:
    for near in nearest(Text(one, other), [Text(other, one)]):
        assert 0 <= near.likeness <= 1
