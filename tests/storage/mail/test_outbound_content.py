"""Rows that earlier releases stored in the log of outbound messages are read as before."""

from __future__ import annotations

import pytest

from desk.mail.content import MailContent, Quote
from desk.mail.stored_file import StoredFile
from desk.slack.content import SlackContent
from storage.mail.outbound_content import read_content

_FILE = {"name": "plan.txt", "media_type": "text/plain", "size": 4, "sha256": "ab12", "content_id": "", "inline": False}


def test_a_reply_of_an_earlier_release_keeps_all_its_parts() -> None:
    stored = {
        "from": "support@desk.example.test", "from_name": "Desk", "to": "bob@x.example", "to_name": "Bob",
        "reply_to": "support+t@desk.example.test", "ticket": 7, "subject": "Re: printer", "text": "Try again.",
        "signature": "Alice", "quote": {"attribution": "Bob wrote:", "text": "It burns."}, "cc": ["carol@x.example"],
        "in_reply_to": "1@x", "references": ["0@x", "1@x"], "attachments": [_FILE], "alone": True,
    }  # fmt: skip
    content = read_content("mail", stored)
    assert content == MailContent(
        "support@desk.example.test", "Desk", "bob@x.example", "Bob", "support+t@desk.example.test", "Re: printer",
        "Try again.", "Alice", Quote("Bob wrote:", "It burns."), ("carol@x.example",), "1@x", ("0@x", "1@x"),
        (StoredFile("plan.txt", "text/plain", 4, "ab12"),), alone=True, ticket=7,
    )  # fmt: skip
    assert content.to_json() == stored


def test_a_side_mail_and_an_automatic_mail_of_an_earlier_release_are_what_they_were() -> None:
    side = read_content("mail", {"from": "s@d", "text": "t", "cc": [], "attachments": [], "side": 3})
    assert isinstance(side, MailContent) and (side.side, side.automatic, side.cc) == (3, False, ())
    notice = read_content("mail", {"from": "s@d", "text": "t", "automatic": True, "references": ["9@d"]})
    assert isinstance(notice, MailContent) and (notice.side, notice.automatic, notice.references) == (0, True, ("9@d",))


@pytest.mark.parametrize("stored", [None, {}, {"erased": True}])
def test_a_redacted_row_reads_as_an_empty_message(stored: dict[str, bool] | None) -> None:
    assert read_content("mail", stored) == MailContent()
    assert read_content("slack", stored) == SlackContent()
    assert read_content("telegram", stored) == MailContent()


def test_slack_rows_of_an_earlier_release_are_what_they_were() -> None:
    card = read_content("slack", {"text": "#7", "card": 7, "root": True, "channel": "C1"})
    assert card == SlackContent("C1", text="#7", card=7, root=True)
    line = read_content("slack", {"text": "x", "thread_of": 7, "channel": "C1"})
    assert line == SlackContent("C1", text="x", thread_of=7)
    file = {"name": "plan.txt", "size": 4, "sha256": "ab12", "media_type": "text/plain"}
    sent = read_content("slack", {"channel": "C1", "thread_ts": "1.2", "text": "plan.txt", "file": file})
    assert sent == SlackContent("C1", "1.2", "plan.txt", file=StoredFile("plan.txt", "text/plain", 4, "ab12"))
    whisper = read_content("slack", {"channel": "C1", "whisper_to": "U1", "text": "done"})
    assert whisper == SlackContent("C1", text="done", whisper_to="U1")
