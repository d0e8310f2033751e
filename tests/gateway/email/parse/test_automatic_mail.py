"""Who wrote a mail, may it be answered, and for whom: as some 300 programs and people write (tests/data).

Half of tests/data/automatic_mail.jsonl (`"half": "b"`, split by program) was unseen while the rules were written, and
all of `"half": "c"`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from desk.mail import automatic
from desk.mail.author import author
from desk.mail.automatic import words
from desk.mail.inbound_request import AutoKind, Envelope, InboundRequest
from tests.gateway.email.mails import read

_DATA = Path(__file__).parents[3] / "data" / "automatic_mail.jsonl"
_PEER = Envelope("bounce@web.example", ("support@desk.example",), "192.0.2.7")


@dataclass(frozen=True)
class Sample:
    """One mail; `who` is the person behind a form or list, empty where that is the sender."""

    program: str
    machine: bool
    answer: bool
    who: str
    head: tuple[str, ...]
    text: str

    def request(self) -> InboundRequest:
        return read(("\n".join(self.head) + f"\n\n{self.text}\n").encode(), _PEER)


def _sample(line: str) -> Sample:
    row = json.loads(line)
    fields = list(row.get("fields", ()))
    if not any(field.lower().startswith("content-type:") for field in fields):
        fields.append("Content-Type: text/plain; charset=utf-8")
    head = [f"From: {row['from']}", "To: support@desk.example", f"Subject: {row['subject']}", "MIME-Version: 1.0"]
    head += ["Message-ID: <m@x.example>", "Date: Mon, 02 Mar 2026 10:00:00 +0100", *fields]
    return Sample(row["program"], row["machine"], row["answer"], row.get("who", ""), tuple(head), row["text"])


SAMPLES = [_sample(line) for line in _DATA.read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_samples_of_both() -> None:
    machines = sum(sample.machine for sample in SAMPLES)
    assert len(SAMPLES) >= 400 and machines >= 150 and len(SAMPLES) - machines >= 150


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{number}-{each.program}" for number, each in enumerate(SAMPLES)])
def test_a_mail_says_who_wrote_whether_to_answer_and_for_whom(sample: Sample) -> None:
    request = sample.request()
    behind = author(request, ["support@desk.example"])
    assert (request.auto is not AutoKind.NONE, not request.no_answer) == (sample.machine, sample.answer)
    assert sample.machine or (behind.party.address if behind else "") == sample.who


def _answer(text: str) -> AutoKind:
    head = "From: vera@corp.example\nSubject: Re: Printer\nIn-Reply-To: <q@d.example>\n"
    return read(f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode(), _PEER).auto


_AWAY = "Thank you for your email. I am out of the office until 12 March."


@pytest.mark.parametrize(
    "text",
    [
        _AWAY,
        "Thank you for your\ne-mail. I\u2019m out of\nthe office.",
        "I am on annual leave. For urgent matters please call Jo.",
        "This is an automated reply. Thank you for your message.",
    ],
)
def test_an_answer_without_any_header_is_automatic_by_its_words(text: str) -> None:
    assert _answer(text) is AutoKind.REPLY


@pytest.mark.parametrize(
    "text",
    [
        f"{_AWAY} Can you come before?",
        "I am out of the office until Monday.",
        "Thank you for your email. It still does not work.",
        f"It still does not work.\n\nOn Mon, 2 Mar 2026, Jo wrote:\n> {_AWAY}",
        "Your automated message says that my ticket is closed, it is not.",
        "The scanner says \u201cauto-reply\u201d and prints nothing.",
        f"{_AWAY} " + "Then the printer printed a page that I had not sent. " * 40,
    ],
)
def test_a_person_who_uses_such_words_stays_one(text: str) -> None:
    assert _answer(text) is AutoKind.NONE


def test_a_field_that_nobody_has_heard_of_says_by_its_name_what_it_is() -> None:
    for name in ("x-acme-autoreply", "x-auto-answer-by", "x-firm-vacation-notice", "x-my-auto-responder"):
        assert automatic.wants(name)
        assert automatic.judge(automatic.Signs({name: "yes"})).kind is AutoKind.REPLY
        assert automatic.judge(automatic.Signs({name: "no"})).kind is AutoKind.NONE
    assert automatic.judge(automatic.Signs({"x-acme-auto-generated": "yes"})).kind is AutoKind.NOTICE


def test_nobody_is_told_where_the_sender_says_that_nobody_reads_it() -> None:
    judgement = automatic.judge(automatic.Signs({}, "Statement", "no-reply@bank.example"))
    assert judgement.kind is AutoKind.NONE and judgement.no_answer


@pytest.mark.parametrize("text", ["", "?" * 10_000, "auto " * 240, "out of the office " * 60, "\n" * 2_000])
def test_any_words_are_read(text: str) -> None:
    assert isinstance(words.reason(text), str)
