"""Who wrote it: exactly one strictly parsed address proves something, everything else is read and marked."""

from __future__ import annotations

import pytest

from gateway.email.addresses import mailboxes, sender
from tests.email.mails import mail, read


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("alice@corp.example", "alice@corp.example", ""),
        ("Alice <ALICE@corp.example>", "alice@corp.example", "Alice"),
        ('"Doe, John" <j@x.example>', "j@x.example", "Doe, John"),
        ('"J \\"Q\\" D" <j@x.example>', "j@x.example", "J Q D"),
        ("=?utf-8?q?J=C3=B6rg?= <j@x.example>", "j@x.example", "Jörg"),
        ("j@x.example (John)", "j@x.example", "John"),
        ("John (at work) <j@x.example>", "j@x.example", "John"),
        ("John Q. Public <j+tag@x.example>", "j+tag@x.example", "John Q. Public"),
    ],
)
def test_one_plain_address_is_strict(value: str, address: str, name: str) -> None:
    box, defect = sender([value.encode()])
    assert (box.address, box.name, box.strict, defect) == (address, name, True, "")


@pytest.mark.parametrize(
    "value",
    [
        "alice@corp.example (x) <mallory@evil.example>",
        "alice@corp.example <mallory@evil.example>",
        "<alice@corp.example> <mallory@evil.example>",
        "alice@corp.example, mallory@evil.example",
        "Group: alice@corp.example;",
        "<@corp.example:mallory@evil.example>",
        "=?utf-8?q?alice=40corp.example?=",
        "=?utf-8?q?alice=40corp.example?=@evil.example",
        "Alice <alice@corp.example",
        "Alice <alice@corp.example> junk",
        "alice @corp.example",
        "alice@corp.example\x00.evil.example",
        '"alice"@corp.example',
        "alice@corp..example",
        "alice@кorp.example",
        "Doe, John <j@x.example>",
        "MAILER-DAEMON <>",
        "",
    ],
)
def test_anything_else_is_not_strict(value: str) -> None:
    box, defect = sender([value.encode()])
    assert not box.strict
    assert defect


def test_two_from_fields_prove_nothing() -> None:
    request = read(mail("x", "From: boss@corp.example"))
    assert not request.sender_strict
    assert "several From fields" in request.defects


def test_the_best_readable_address_is_kept() -> None:
    assert sender([b"Doe, John <j@x.example>"])[0].address == "j@x.example"
    assert sender([b"alice@corp.example (x) <mallory@evil.example>"])[0].address == "mallory@evil.example"
    assert sender([b"please answer me at j@x.example thanks"])[0].address == "j@x.example"


def test_lists_are_read_in_order_and_groups_opened() -> None:
    boxes = mailboxes([b'"A, B" <a@x.example>, c@x.example; Team: d@x.example, e@x.example;'])
    assert [box.address for box in boxes] == ["a@x.example", "c@x.example", "d@x.example", "e@x.example"]


def test_the_number_of_addresses_is_capped() -> None:
    assert len(mailboxes([b", ".join(b"u%d@x.example" % number for number in range(3_000))])) <= 1_000
