"""An odd From: what is enough for an honest requester is not enough for an agent; and whose word on senders counts."""

from __future__ import annotations

import pytest

from desk.mail.authentication import Verdict, verdict
from gateway.email.mime.addresses import sender
from tests.gateway.email.mails import mail, read

PASS = "mx.desk.example; dmarc=pass header.from=example.com"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Doe, John <john.doe@x.example>", "john.doe@x.example"),
        ("Doe, John, Dr. <john.doe@x.example>", "john.doe@x.example"),
        ("Lee [EXT] <lee@x.example>", "lee@x.example"),
        ("[EXT] Lee (Sales) [DE] <lee@x.example>", "lee@x.example"),
        ("=?utf-8?q?Firstname=2C_M=C3=BCller_[Org]?= <mueller@x.example>", "mueller@x.example"),
        ("=?utf-8?q?M=C3=BCller,_Eva?= <mueller@x.example>", "mueller@x.example"),
        ("kim@x.example <kim@x.example>", "kim@x.example"),
        ("<kim@x.example> kim@x.example", "kim@x.example"),
        ("kim@x.example (kim@x.example)", "kim@x.example"),
        ("Taro <taro..yamada.@x.example>", "taro..yamada.@x.example"),
        ("taro.@x.example", "taro.@x.example"),
        (".taro@x.example", ".taro@x.example"),
        ('"taro..yamada."@x.example', "taro..yamada.@x.example"),
        ("mailto:kim@x.example", "kim@x.example"),
        ("Kim: <kim@x.example>", "kim@x.example"),
        ("Kim <kim@x.example>;", "kim@x.example"),
        ("Kim\u00a0Kunde <kim@x.example>", "kim@x.example"),
        ("Kim <kim@x.example >", "kim@x.example"),
    ],
)
def test_an_odd_from_is_read_as_an_honest_requesters_address(value: str, address: str) -> None:
    box, _ = sender([value.encode()])
    assert (box.address, box.clear) == (address, True)


@pytest.mark.parametrize(
    "value",
    [
        "kim@x.example, ben@y.example",
        "kim@x.example (x) <ben@y.example> <kim@x.example>",
        "<kim@x.example> <ben@y.example>",
        "kim@x.example\x00.evil.example",
        '"kim@x.example"@evil.example',
        "kim@\u212aorp.example",
        "kim at x.example",
        "",
    ],
)
def test_a_from_that_may_mean_two_people_is_nobodys(value: str) -> None:
    assert not sender([value.encode()])[0].clear


def test_two_from_fields_are_nobodys() -> None:
    assert not sender([b"kim@x.example", b"kim@x.example"])[0].clear


@pytest.mark.parametrize(
    "value",
    [
        "Alice <alice@corp.example>;",
        "Alice <alice@corp.example>;].,",
        "alice@corp.example;].,",
        "alice@corp.example,",
        ", alice@corp.example",
        "Alice <alice@corp.example>]",
        "alice@corp.example\u2028",
        "Alice <alice@corp.example>\u2029",
        "alice@corp.example\u00a0",
        "\u00a0alice@corp.example",
        "Alice\u00a0<alice@corp.example>",
        "Alice <alice@corp.example>\u0085",
        "alice@corp.example,;",
    ],
)
def test_what_stands_around_an_agents_address_makes_it_no_proof(value: str) -> None:
    box, defect = sender([value.encode()])
    assert not box.strict and defect


def test_a_name_with_a_wide_space_is_still_one_plain_address() -> None:
    assert sender(["山田\u3000太郎 <taro@x.example>".encode()])[0].strict


@pytest.mark.parametrize(
    "fields",
    [
        ("Authentication-Results: =?utf-8?q?mx.desk.example;_dmarc=3Dpass_header.from=3Dexample.com?=",),
        (f"X-Note: hello\rAuthentication-Results: {PASS}",),
        (f"Authentication-Results: mx.other.example; dmarc=none\r {PASS}",),
        ("Authentication-Results: mx.desk.example; dmarc=pass header.from=\u00e9xample.com",),
        ("Authentication-Results: =?utf-8?q?mx.other.example?=; dmarc=fail", f"Authentication-Results: {PASS}"),
        (f"Authentication-Results: mx.other.example;\r dmarc=fail\r\nAuthentication-Results: {PASS}",),
    ],
)
def test_only_a_raw_topmost_field_of_our_relay_vouches(fields: tuple[str, ...]) -> None:
    request = read(mail("words", *fields))
    assert verdict(request.authentication, "mx.desk.example", True, "example.com") is not Verdict.PASS


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_folded_field_of_our_relay_vouches(end: str) -> None:
    folded = PASS.replace("; ", f";{end}\t")
    request = read(mail("words", f"Authentication-Results: {folded}"))
    assert verdict(request.authentication, "mx.desk.example", True, "example.com") is Verdict.PASS
