"""Which addresses are one victim, and which domains one domain."""

from __future__ import annotations

import pytest

from desk.mail.reply_budget import victim, victim_domain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob@home.example", "bob+1@home.example"),
        ("bob@home.example", "BOB+a+b@Home.Example."),
        ("bob.k@gmail.com", "b.o.b.k+x@googlemail.com"),
    ],
)
def test_spellings_of_an_address_are_one_victim(one: str, other: str) -> None:
    assert victim(one) == victim(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob@home.example", "bob@work.example"),
        ("bob.k@home.example", "bobk@home.example"),
        ("+1@home.example", "+2@home.example"),
        ("bob@home.example", "rob@home.example"),
    ],
)
def test_other_people_are_other_victims(one: str, other: str) -> None:
    assert victim(one) != victim(other)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("x@victim.example", "victim.example"),
        ("x@any.sub.victim.example.", "victim.example"),
        ("x@victim.co.uk", "victim.co.uk"),
        ("x@a.victim.co.uk", "victim.co.uk"),
        ("x@localhost", "localhost"),
        ("x@gmail.com", ""),
        ("slack:T1:U1", "slack:t1:u1"),
    ],
)
def test_a_domain_is_that_of_its_owner(address: str, domain: str) -> None:
    assert victim_domain(address) == domain
