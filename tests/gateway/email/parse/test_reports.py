"""Delivery reports of many mail servers, and mail that only speaks of delivery; the cases lie in reports/*.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk.mail.inbound_request import AutoKind, Envelope
from gateway.email.parse.normalise import normalise

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
HEAD = (
    "To: support@desk.example.test\nMessage-ID: <1@example.com>\nMIME-Version: 1.0\n"
    "Date: Tue, 3 Mar 2026 09:41:12 +0100\n"
)
PLAIN = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
_SECTION = re.compile(r"^#### (.*)\n", re.M)


def cases(name: str) -> Iterator[object]:
    text = (Path(__file__).parent / "reports" / name).read_text(encoding="utf-8")
    pieces = _SECTION.split(text)[1:]
    for title, raw, wanted in zip(pieces[::4], pieces[1::4], pieces[2::4], strict=True):
        head = HEAD if "Content-Type: multipart" in raw else HEAD + PLAIN
        yield pytest.param((head + raw).replace("\n", "\r\n").encode(), wanted, id=title)


@pytest.mark.parametrize(("raw", "wanted"), list(cases("bounces.txt")))
@pytest.mark.parametrize("envelope", [Envelope("", ("support@desk.example.test",), "192.0.2.7"), Envelope()])
def test_a_delivery_report_is_known_with_whom_it_names(raw: bytes, wanted: str, envelope: Envelope) -> None:
    request = normalise(raw, envelope, "test", NOW).request
    force, address = wanted.split()
    assert request.auto is AutoKind.BOUNCE and request.bounce is not None
    assert request.bounce.recipients == (address,)
    assert force == "any" or request.bounce.permanent is (force == "hard")


@pytest.mark.parametrize(("raw", "wanted"), list(cases("no_bounces.txt")))
def test_mail_that_speaks_of_delivery_is_no_report(raw: bytes, wanted: str) -> None:
    request = normalise(raw, Envelope(), "test", NOW).request
    assert request.bounce is None
    assert (request.auto is AutoKind.NONE) is (wanted == "person")
