"""Who cannot get at their own company mail, in the words of many: category Access / Email, and it blocks work."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.starter import examples, shipped
from desk.priority.signals import Urgency, read

WORDINGS = [
    line.replace(" | ", "\n")
    for line in (Path(__file__).parent / "email_access.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_most_wordings_are_access_to_email() -> None:
    """Set, or first of what is suggested; the starter knows no Swedish, Japanese or Chinese."""
    guesses = shipped().guess(WORDINGS)
    first = [guess.category or guess.runners_up[0][0] for guess in guesses]
    assert first.count("Access / Email") >= 0.92 * len(WORDINGS)


def test_most_wordings_block_work() -> None:
    urgencies = [read(wording).urgency for wording in WORDINGS]
    assert urgencies.count(Urgency.BLOCKED) >= 0.92 * len(WORDINGS)


def test_hardly_any_wording_is_an_example() -> None:
    """A situation may happen to say one in the same words; the sentences were written apart from them."""
    texts, _ = examples()
    assert len(set(WORDINGS) & set(texts)) <= 0.08 * len(WORDINGS)


@pytest.mark.parametrize(
    "text",
    [
        "Windows says my password is wrong",
        "The customer portal keeps logging me out",
        "SAP nimmt mein Passwort nicht mehr an",
        "Mon compte Windows est bloqué",
    ],
)
def test_a_login_elsewhere_stays_authentication(text: str) -> None:
    (guess,) = shipped().guess([text])
    assert (guess.category or guess.runners_up[0][0]) == "Access / Authentication"


@pytest.mark.parametrize(
    "text",
    [
        "How do I change my password?",
        "Please create a shared mailbox for our team",
        "Can you add my inbox to the phone?",
        "Please add me to the mailing list",
        "Ich hätte gern eine neue E-Mail-Signatur",
    ],
)
def test_a_wish_about_mail_blocks_nothing(text: str) -> None:
    assert read(text).urgency is not Urgency.BLOCKED
