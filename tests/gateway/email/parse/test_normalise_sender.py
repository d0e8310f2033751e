"""Who wrote it: exactly one strictly parsed address proves something, everything else is read and marked."""

from __future__ import annotations

import pytest

from gateway.email.mime.addresses import mailboxes, sender
from storage.people.addresses import canonical
from tests.gateway.email.mails import mail, read


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
        ("用户@例え.example", "用户@例え.example", ""),
        ("Jörg <jörg@bücher.example>", "jörg@bücher.example", "Jörg"),
        ("<почта@пример.испытание>", "почта@пример.испытание", ""),
        ("<δοκιμή@παράδειγμα.example>", "δοκιμή@παράδειγμα.example", ""),
        ("डाक <मेल@उदाहरण.परीक्षा>", "मेल@उदाहरण.परीक्षा", "डाक"),
        ('"john doe"@x.example', '"john doe"@x.example', ""),
        ('John <"john..doe"@x.example>', "john..doe@x.example", "John"),
        ('"alice"@corp.example', "alice@corp.example", ""),
    ],
)
def test_one_plain_address_is_strict(value: str, address: str, name: str) -> None:
    box, defect = sender([value.encode()])
    assert (box.address, box.name, box.strict, defect) == (canonical(address), name, True, "")


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
        '"alice@corp.example"@evil.example',
        '"alice\\" <"@evil.example',
        '"alice" "bob"@corp.example',
        "alice@\u212aorp.example",
        "al\u017fice@corp.example",
        "ali\u202ece@corp.example",
        "alice\uff20corp.example",
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


def test_letters_that_were_guessed_from_another_charset_prove_nothing() -> None:
    box, defect = sender(["jörg@bücher.example".encode("cp1252")])
    assert (box.strict, defect) == (False, "From is not one plain address")
    assert sender(["Jörg <j@x.example>".encode("cp1252")])[0].strict


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
