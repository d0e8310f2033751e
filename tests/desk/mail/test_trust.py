"""What is known of a message's sender is the same when it comes back from its row."""

from __future__ import annotations

import pytest

from desk.mail.authentication import Verdict
from desk.mail.trust import UNKNOWN_TRUST, MessageTrust

STORED = (
    {},
    {"verdict": "none", "sender_strict": True, "sender_clear": False, "defects": ["signed: PGP"]},
    {"verdict": "fail", "unverified": "", "refused": "your role may not", "sender_strict": True, "sender_clear": True},
    {"verdict": "pass", "through": "via the list", "way": "list", "no_answer": "a list", "reply_to": "a@b.example"},
    {"automatic": True, "withdrawn": "2026-11-02T09:00:00+00:00"},
)


@pytest.mark.parametrize("stored", STORED)
def test_it_is_stored_as_it_was_read(stored: dict[str, object]) -> None:
    assert MessageTrust.from_json(stored).to_json() == stored


def test_words_that_nobody_knows_are_left_out() -> None:
    assert MessageTrust.from_json({"verdict": "perhaps", "mood": "good"}) == UNKNOWN_TRUST
    assert not UNKNOWN_TRUST and MessageTrust(Verdict.NONE)


def test_an_address_is_clear_unless_the_reader_of_the_mail_doubted_it() -> None:
    assert UNKNOWN_TRUST.is_clear
    assert not MessageTrust(sender_strict=False).is_clear
    assert MessageTrust(sender_strict=False, sender_clear=True).is_clear
