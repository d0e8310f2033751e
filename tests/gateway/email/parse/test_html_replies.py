"""HTML answers of many mail programs, and HTML that is no answer: what a person newly wrote is the reply."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk.mail.inbound_request import Envelope
from gateway.email.parse.normalise import normalise
from tests.answered import cases, fits

HEAD = (
    b"From: ann@example.com\r\nTo: desk@example.com\r\nSubject: Re: x\r\nMessage-ID: <1@example.com>\r\n"
    b"In-Reply-To: <0@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
)
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(("html", "mark", "wanted"), cases(Path(__file__).parent / "html_replies"))
def test_only_the_new_words_of_html_are_the_reply(html: str, mark: str, wanted: str) -> None:
    reply = normalise(HEAD + html.encode(), Envelope(), "test", NOW).request.reply
    assert fits(reply, mark, wanted), reply
    assert "Shall I reset it?" not in reply
