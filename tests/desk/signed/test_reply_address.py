"""Signed reply addresses and Message-IDs: they come back as they were made, and nothing else is taken for one."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.signed import reply_address
from desk.signed.reply_address import AGENT, LIFETIME, REQUESTER, ReplyRight, ReplyToken

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = b"a key of the tests, known to everybody"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-+._@"
numbers = st.integers(1, 2**62)
mailboxes = st.sampled_from(["support@desk.example.test", "help+eu@desk.example.test", "a@b"])


@given(mailboxes, st.sampled_from([AGENT, REQUESTER]), numbers, numbers, st.integers(0, 9))
def test_a_reply_address_says_what_was_put_into_it(
    box: str, purpose: str, ticket: int, person: int, version: int
) -> None:
    made = reply_address.reply_address(box, ReplyRight(purpose, ticket, person, version), SECRET, NOW)
    for written in (made, made.upper(), made.title()):
        assert reply_address.read_reply_address(written, version, SECRET, NOW) == ReplyToken(
            purpose, ticket, person, False
        )
    assert reply_address.read_reply_address(made, version + 1, SECRET, NOW) is None
    assert reply_address.read_reply_address(made, version, SECRET + b"x", NOW) is None
    assert reply_address.without_token(made) == box


def test_a_reply_address_fits_the_limit_of_a_local_part() -> None:
    made = reply_address.reply_address(
        "a" * reply_address.LONGEST_NAME + "@b", ReplyRight(AGENT, 36**5 - 1, 36**4 - 1, 1), SECRET, NOW
    )
    assert len(made.rpartition("@")[0]) == reply_address.MOST_OCTETS and reply_address.without_token(made).endswith(
        "a@b"
    )


def test_addresses_that_were_made_before_stay_valid() -> None:
    body, extra = "a-7-3-g2w", "1"
    old = f"help+{body}-{reply_address._mac(SECRET, 'reply', body, extra)}@d"
    assert reply_address.read_reply_address(old, 1, SECRET, NOW) == ReplyToken(AGENT, 7, 3, expired=False)
    assert (
        reply_address.read_reply_address(old, 2, SECRET, NOW) is None and reply_address.without_token(old) == "help@d"
    )


def test_a_long_mailbox_name_lends_its_token_to_the_shortest_of_its_domain() -> None:
    long, others = "a" * 40 + "@one.test", ["support@one.test", "it@two.test", "help@one.test", "b" * 40 + "@one.test"]
    assert (
        reply_address.carrier(long, others) == "help@one.test"
        and reply_address.carrier("me@one.test", others) == "me@one.test"
    )
    assert reply_address.carrier(long, ["it@two.test"]) == ""
    assert reply_address.carrier(long, ["it@two.test"], any_domain=True) == "it@two.test"


@given(mailboxes, numbers)
def test_an_address_for_reports_names_one_outbound_row(box: str, number: int) -> None:
    made = reply_address.bounce_address(box, number, SECRET)
    assert (
        reply_address.outbound_of_bounce_address(made.upper(), SECRET) == number
        and reply_address.without_token(made) == box
    )
    assert reply_address.outbound_of_bounce_address(made, SECRET + b"x") is None
    assert reply_address.outbound_of_bounce_address(made.replace("+z", "+z1"), SECRET) is None
    assert reply_address.token_of(made) is None


@pytest.mark.parametrize("mailbox", ["support@desk.example.test", "help+eu@desk.example.test"])
def test_every_change_of_one_letter_of_a_token_is_refused(mailbox: str) -> None:
    made = reply_address.reply_address(mailbox, ReplyRight(AGENT, 4711, 12, 1), SECRET, NOW)
    start, end = made.rindex("+") + 1, made.index("@")
    for at in range(start, end):
        for letter in LETTERS:
            changed = made[:at] + letter + made[at + 1 :]
            assert changed == made or reply_address.read_reply_address(changed, 1, SECRET, NOW) is None, changed
        assert reply_address.read_reply_address(made[:at] + made[at + 1 :], 1, SECRET, NOW) is None


def test_every_change_of_one_letter_of_a_signed_message_id_is_refused() -> None:
    made = reply_address.message_id(4711, "a1b2c3", SECRET, "desk.example.test")
    assert reply_address.ticket_of_message_id(made, SECRET) == 4711
    for at in range(made.index("@") + 1):
        for letter in LETTERS:
            changed = made[:at] + letter + made[at + 1 :]
            assert changed == made or reply_address.ticket_of_message_id(changed, SECRET) is None, changed


@given(numbers, st.text(alphabet="0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=40))
def test_a_signed_message_id_names_its_ticket(ticket: int, unique: str) -> None:
    made = reply_address.message_id(ticket, unique, SECRET, "desk.example.test")
    relayed = [f"<{made.upper()}>", made.replace("desk.example.test", "relay.test")]
    assert all(reply_address.ticket_of_message_id(written, SECRET) == ticket for written in [made, *relayed])
    assert reply_address.ticket_of_message_id(made, SECRET + b"x") is None


def test_of_a_hundred_thousand_guessed_tokens_none_is_accepted() -> None:
    rng = random.Random(20261102)
    base32 = "abcdefghijklmnopqrstuvwxyz234567"
    made = reply_address.reply_address("s@d", ReplyRight(AGENT, 7, 3, 1), SECRET, NOW)
    body = made[: -len("@d") - 25]
    accepted = [
        guess
        for guess in ("".join(rng.choices(base32, k=26)) for _ in range(100_000))
        if reply_address.read_reply_address(f"{body}{guess[1:]}@d", 1, SECRET, NOW)
        or reply_address.ticket_of_message_id(f"fd.7.a.{guess}@d", SECRET)
    ]
    assert accepted == []


@given(st.text(max_size=80) | st.text(alphabet="ar-+@0z2", max_size=70))
def test_no_text_raises(text: str) -> None:
    for read in (text, f"s+{text}@d", f"s+a-1-1-1-{text}@d"):
        assert reply_address.read_reply_address(read, 1, SECRET, NOW) is None
        reply_address.without_token(read)
    assert reply_address.ticket_of_message_id(text, SECRET) is None


def test_a_token_says_when_its_time_is_over() -> None:
    made = reply_address.reply_address("s@d", ReplyRight(AGENT, 7, 3, 1), SECRET, NOW)
    for later, expired in ((LIFETIME, False), (LIFETIME + timedelta(days=1), True)):
        token = reply_address.read_reply_address(made, 1, SECRET, NOW + later)
        assert token is not None and token.expired is expired


def test_one_persons_mac_does_not_fit_another_ticket_person_purpose_or_day() -> None:
    first = reply_address.reply_address("s@d", ReplyRight(AGENT, 7, 3, 1), SECRET, NOW)
    mac = first.removesuffix("@d")[-25:]
    others = [(REQUESTER, 7, 3, NOW), (AGENT, 8, 3, NOW), (AGENT, 7, 4, NOW), (AGENT, 7, 3, NOW + timedelta(days=1))]
    for purpose, ticket, person, day in others:
        other = reply_address.reply_address("s@d", ReplyRight(purpose, ticket, person, 1), SECRET, day)
        assert reply_address.read_reply_address(f"{other.removesuffix('@d')[:-25]}{mac}@d", 1, SECRET, NOW) is None


def test_signatures_of_links_are_of_no_use_as_tokens() -> None:
    text = secrets.token_hex(4)
    assert reply_address.sign("reply", text, SECRET) != reply_address.sign("link", text, SECRET)
