"""Passwords with the real cost of argon2id, which all other tests lower."""

from __future__ import annotations

from typing import Any

import argon2
import pytest

from console.access import passwords
from tests.conftest import CHEAP_HASHER
from tests.console.conftest import Browser
from tests.console.fixtures_desk import PASSWORD

REAL = argon2.PasswordHasher()


class CountingHasher:
    """The real hasher, which notes the cost of each password that it checks."""

    def __init__(self) -> None:
        self.costs: list[argon2.Parameters] = []

    def hash(self, password: str) -> str:
        return REAL.hash(password)

    def verify(self, stored: str, password: str) -> bool:
        self.costs.append(argon2.extract_parameters(stored))
        return REAL.verify(stored, password)


@pytest.fixture(autouse=True)
def password_hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    return hasher


def test_a_password_is_stored_as_argon2id_at_the_cost_that_the_rfc_recommends() -> None:
    cost = argon2.extract_parameters(passwords.hash_password(PASSWORD))
    assert (cost.type, cost.memory_cost, cost.time_cost, cost.parallelism) == (argon2.Type.ID, 65_536, 3, 4)


def test_only_the_password_itself_fits() -> None:
    stored = passwords.hash_password(PASSWORD)
    assert passwords.verify_password(PASSWORD, stored)
    assert not passwords.verify_password(PASSWORD + " ", stored)
    assert not passwords.verify_password(PASSWORD, "")
    assert not passwords.verify_password(PASSWORD, "no hash")


def test_an_agent_signs_in_with_a_password_of_real_cost(stranger: Browser, password_hasher: CountingHasher) -> None:
    assert stranger.sign_in().status_code == 303
    assert stranger.sign_in(password="wrong").status_code == 403
    assert [cost.memory_cost for cost in password_hasher.costs] == [65_536, 65_536]


def test_a_wrong_name_costs_the_same_work_as_a_wrong_password(
    stranger: Browser, password_hasher: CountingHasher
) -> None:
    for name in ("alice", "nobody"):
        assert stranger.sign_in(name, "wrong password").status_code == 403
    known, unknown = password_hasher.costs
    assert known == unknown == argon2.extract_parameters(passwords.hash_password("any"))


def test_a_hash_made_by_the_tests_is_weaker_than_the_real_one() -> None:
    cheap: Any = argon2.extract_parameters(CHEAP_HASHER.hash("any"))
    assert cheap.memory_cost < 100
