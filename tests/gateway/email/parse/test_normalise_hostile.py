"""Hostile bytes: only Unreadable is ever raised, nothing takes long, and what is read can be stored."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.inbound_request import InboundRequest, Unreadable, from_json, to_json
from tests.gateway.email.mails import HEADER, b64, mail, read

SECONDS = 2.0


def _read(raw: bytes) -> InboundRequest | None:
    started = time.process_time()
    try:
        request = read(raw)
    except Unreadable:
        request = None
    assert time.process_time() - started < SECONDS
    if request is not None:
        assert from_json(to_json(request)) == request
        assert bool(request.reply.strip()) == bool(request.text.strip())
    return request


def _nested(depth: int) -> bytes:
    levels = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth)
    )
    return HEADER.encode() + levels.encode() + b"\r\nx"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (mail("--b\r\n\r\nx\r\n" * 5_000, "Content-Type: multipart/mixed; boundary=b"), "parts"),
        (_nested(200), "nested"),
        (HEADER.encode() + b"X-A: b\r\n" * 5_000 + b"\r\nx", "fields"),
        (HEADER.encode() + b"X-A: " + b"b" * 600_000 + b"\r\n\r\nx", "header"),
    ],
)
def test_past_a_limit_the_mail_is_unreadable_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(raw)


@pytest.mark.parametrize(
    "body",
    [
        "On " * 60_000,
        "On Mon, Jan 1, 2024 at 10:00 AM Bob said\n" * 20_000,
        "".join(">" * (number % 500) + " q\n" for number in range(5_000)),
        "> " * 50_000,
        ">> >> " * 30_000,
        "-" * 200_000,
        "- " * 100_000,
        "_" * 100_000 + "x",
        "From: a\nTo: b\nSubject: c\n\n" * 10_000,
        "Sent from my iPhone\n" * 20_000,
        "-- \nx\n" * 20_000,
        "```\n" * 20_000,
        "a" * 300_000,
        "begin 644 x\n" * 10_000,
        ": " * 100_000,
        "a@" * 100_000,
        "wrote:\n" * 30_000,
    ],
    ids=lambda body: body[:12],
)
def test_long_repetitions_in_text_take_no_time(body: str) -> None:
    assert _read(mail(body)) is not None


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<div " * 60_000,
        "<" * 100_000,
        "&" * 300_000,
        "<!--" * 50_000,
        "<a " + " x=y" * 50_000 + ">",
        '<a "' * 50_000,
        "<blockquote>" * 20_000 + "x",
        "<b><table>" * 5_000,
        "<style>" * 50_000,
        "<p>" + "</div>" * 50_000,
    ],
    ids=lambda html: html[:12],
)
def test_html_bombs_take_no_time_and_still_give_a_request(html: str) -> None:
    assert _read(mail(html, "Content-Type: text/html")) is not None


@pytest.mark.parametrize(
    "field",
    [
        "From: " + "<" * 60_000,
        "From: " + "(" * 60_000 + " a@x",
        "From: " + '"\\' * 30_000,
        "From: " + '"a\\"' * 20_000,
        "To: " + ", ".join(f"u{number}@x.example" for number in range(15_000)),
        "Subject: " + " ".join(["=?utf-8?q?=C3=A9?="] * 15_000),
        "Subject: " + "=?a?q?" * 10_000,
        "References: " + " ".join(f"<{number}@x>" for number in range(15_000)),
        "Content-Type: text/plain;" + "".join(f" n*{number}=a;" for number in range(5_000)),
        "Content-Type: text/plain;" + ' a="\\' * 10_000,
        "Content-Type: text/plain; " + "a " * 30_000,
        "Date: " + "9" * 50_000,
        "Date: Mon, 99 Foo 99999 99:99:99 +9999",
        "Content-Transfer-Encoding: " + "x" * 50_000,
    ],
    ids=lambda field: field[:24],
)
def test_long_header_fields_take_no_time(field: str) -> None:
    name = field.split(":", 1)[0]
    assert _read(mail("x", field, without=name)) is not None


def test_a_long_line_hidden_in_base64_takes_no_time() -> None:
    assert _read(mail(b64(b"On " * 500_000), "Content-Transfer-Encoding: base64")) is not None


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    _read(raw)


_LINES = st.sampled_from(
    [b"--b", b"--b--", b"--c", b"", b" folded", b"Content-Type: multipart/mixed; boundary=b", b"\xff\x00",
     b'Content-Type: multipart/alternative; boundary="c"', b"Content-Transfer-Encoding: base64", b"aGVsbG8=",
     b"Content-Type: text/html", b"Content-Type: text/plain; charset=utf-16", b"Content-Type: message/rfc822",
     b"> quoted", b"On 1.1.2024 a@b wrote:",
     b"-- ", b"From: a@b", b"Subject: =?utf-8?b?w?=", b"begin 644 x", b"end", b"<blockquote>", b"</div>", b"\r", b":"]
)  # fmt: skip


@given(st.lists(_LINES, max_size=40), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_any_order_of_mail_lines_is_read_or_refused(lines: list[bytes], end: bytes) -> None:
    _read(end.join(lines))
