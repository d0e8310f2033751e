"""Whom a bounce names, in the formats of many mail servers (tests/data/bounces.jsonl) and of mail services."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from desk.mail.inbound_request import AutoKind, Bounce, Envelope
from tests.gateway.email.mails import read

_DATA = Path(__file__).parents[3] / "data" / "bounces.jsonl"
_UNKNOWN = Envelope()


@dataclass(frozen=True)
class Sample:
    """A report as one program writes it, and whom it names."""

    program: str
    sender: str
    subject: str
    body: str
    recipients: tuple[str, ...]
    permanent: bool
    kind: str
    fields: tuple[str, ...]

    def raw(self, sender: str = "", subject: str = "", body: str = "", *, forwarded: bool = False) -> bytes:
        told = any(field.startswith("To:") for field in self.fields)
        head = [
            f"From: {sender or self.sender}",
            *([] if told else ["To: kim@home.example"]),
            f"Subject: {subject or self.subject}",
            "MIME-Version: 1.0",
            f"Content-Type: {'text/plain; charset=utf-8' if forwarded else self.kind}",
            "Content-Transfer-Encoding: 8bit",
            *([] if forwarded else self.fields),
        ]
        return ("\n".join(head) + "\n\n" + (body or self.body)).encode()


def _samples() -> list[Sample]:
    rows = [json.loads(line) for line in _DATA.read_text(encoding="utf-8").splitlines()]
    return [
        Sample(
            row["program"], row["from"], row["subject"], row["body"], tuple(row["recipients"]),
            row.get("permanent", True), row.get("type", "text/plain; charset=utf-8"), tuple(row.get("fields", ())),
        )
        for row in rows
    ]  # fmt: skip


SAMPLES = _samples()


def _bounce(raw: bytes) -> Bounce | None:
    return read(raw, _UNKNOWN).bounce


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.program)
def test_a_report_names_everybody_who_did_not_get_the_mail(sample: Sample) -> None:
    bounce = _bounce(sample.raw())
    assert bounce is not None
    assert (tuple(sorted(bounce.recipients)), bounce.permanent) == (sample.recipients, sample.permanent)


@pytest.mark.parametrize("sample", SAMPLES[::4], ids=lambda sample: sample.program)
def test_a_person_who_passes_a_report_on_is_a_person(sample: Sample) -> None:
    quoted = "\n".join(f"> {line}" for line in sample.body.split("\n"))
    for sender in ("kim@home.example", "postmaster@home.example", "Kim <bounces@home.example>"):
        for body in (f"What does it mean?\n\n{sample.body}", f"Hello,\nplease help.\n\n{quoted}", sample.body):
            assert _bounce(sample.raw(sender, f"Fwd: {sample.subject}", body, forwarded=True)) is None
    assert _bounce(sample.raw("Kim <kim@home.example>", "", f"What is this?\n\n{sample.body}", forwarded=True)) is None


def _report(fields: str, text: str = "Could not be delivered.", kind: str = "message/delivery-status") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\nTo: kim@home.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--b\nContent-Type: {kind}\n\nReporting-MTA: dns; mx.example\n\n{fields}\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: kim@home.example\nTo: Lena <lena@n.example>\n\nhi\n--b--\n"
    ).encode()


_FAILED = "Action: failed\nStatus: 5.1.1"


@pytest.mark.parametrize(
    ("fields", "recipients"),
    [
        ("Original-Recipient: rfc822;a@x.example\nFinal-Recipient: rfc822;b@y.example", ["a@x.example"]),
        ("Final-Recipient: rfc822;<a@x.example>", ["a@x.example"]),
        ("Final-Recipient: <a@x.example>", ["a@x.example"]),
        ("Final-Recipient: RFC822 ;  a@x.example (A Person)", ["a@x.example"]),
        ("Final-Recipient: unknown;a@x.example", ["a@x.example"]),
        ("Final-Recipient: LOCAL; a@x.example", ["a@x.example"]),
        ("Original-Recipient: rfc822;a+2Btag@x.example", ["a+tag@x.example"]),
        ("Original-Recipient: rfc822;a+22@x.example", ["a+22@x.example"]),
        ('Final-Recipient: rfc822; "john smith"@x.example', ['"john smith"@x.example']),
        ('Final-Recipient: rfc822; "john.smith"@x.example', ["john.smith@x.example"]),
        ("Final-Recipient: utf-8; m\\x{FC}ller@x.example", ["müller@x.example"]),
        ("Final-Recipient: x400; /G=A/S=B/O=C/", ["lena@n.example"]),
        ("Final-Recipient: rfc822;", ["lena@n.example"]),
    ],
)
def test_the_recipient_of_a_field_is_read_however_it_is_written(fields: str, recipients: list[str]) -> None:
    bounce = _bounce(_report(f"{fields}\n{_FAILED}"))
    assert bounce is not None and list(bounce.recipients) == recipients


def test_only_those_who_did_not_get_it_are_named_where_others_did_or_still_may() -> None:
    groups = [
        "Final-Recipient: rfc822;a@x.example\nAction: delivered\nStatus: 2.0.0",
        "Final-Recipient: rfc822;b@x.example\nAction: failed\nStatus: 5.2.2",
        "Final-Recipient: rfc822;c@x.example\nAction: delayed\nStatus: 4.4.1",
    ]
    bounce = _bounce(_report("\n\n".join(groups)))
    assert bounce is not None and bounce.recipients == ("b@x.example",) and bounce.permanent


@pytest.mark.parametrize("kind", ["text/plain; name=details.txt", "text/delivery-status", "application/octet-stream"])
def test_a_status_part_of_another_type_is_read_or_done_without(kind: str) -> None:
    bounce = _bounce(_report(f"Final-Recipient: rfc822;lena@n.example\n{_FAILED}", kind=kind))
    assert bounce is not None and bounce.recipients == ("lena@n.example",)


def _json(text: str, sender: str = "no-reply@events.example") -> bytes:
    return f"From: {sender}\nTo: kim@home.example\nSubject: Notification\n\n{text}\n".encode()


_SES = '{"notificationType":"Bounce","bounce":{"bounceType":"%s","bouncedRecipients":[{"emailAddress":"a@x.example"}]}}'
_NOTICES = [
    (_SES % "Permanent", True),
    (_SES % "Transient", False),
    (json.dumps({"Type": "Notification", "Message": _SES % "Permanent"}) + "\n\n--\nTo stop these notices", True),
    ('{"eventType":"DeliveryDelay","deliveryDelay":{"delayedRecipients":[{"emailAddress":"a@x.example"}]}}', False),
    ('{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a@x.example"}]}}', True),
    ('[{"email":"a@x.example","smtp-id":"<m@h>","event":"bounce","reason":"550 no","status":"5.1.1"}]', True),
    ('[{"email":"a@x.example","event":"deferred","response":"451 later"}]', False),
    ('{"event-data":{"event":"failed","severity":"permanent","recipient":"a@x.example"}}', True),
    ('{"event-data":{"event":"failed","severity":"temporary","recipient":"a@x.example"}}', False),
    ('{"RecordType":"Bounce","Type":"HardBounce","Email":"a@x.example","Description":"unknown"}', True),
    ('{"RecordType":"Bounce","Type":"SoftBounce","Email":"a@x.example"}', False),
    ('[{"msys":{"message_event":{"type":"bounce","rcpt_to":"a@x.example","raw_reason":"550 5.1.1 no"}}}]', True),
    ('{"event":"bounce","email":"a@x.example","hard_bounce":true,"error":"user unknown"}', True),
    ('[{"event":"hard_bounce","msg":{"email":"a@x.example","diag":"550"}}]', True),
    ('{"event":"soft_bounce","email":"a@x.example","message-id":"<m@h>","reason":"full"}', False),
    ('{"type":"email.bounced","data":{"to":["a@x.example"],"bounce":{"message":"no"}}}', True),
]


@pytest.mark.parametrize(("text", "permanent"), _NOTICES)
def test_a_mail_services_notification_is_a_report(text: str, permanent: bool) -> None:
    bounce = _bounce(_json(text))
    assert bounce is not None and bounce.recipients == ("a@x.example",) and bounce.permanent is permanent


@pytest.mark.parametrize("text", [text for text, _ in _NOTICES])
def test_who_sends_in_such_a_notification_is_a_person(text: str) -> None:
    assert _bounce(_json(f"Why do we get this?\n{text}", "kim@home.example")) is None
    assert _bounce(_json(text, "kim@home.example")) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"notificationType":"Delivery","delivery":{"recipients":["a@x.example"]}}',
        '[{"email":"a@x.example","event":"delivered"}]',
        '{"RecordType":"Delivery","Recipient":"a@x.example"}',
    ],
)
def test_a_service_that_tells_of_success_tells_of_no_bounce(text: str) -> None:
    request = read(_json(text), _UNKNOWN)
    assert request.bounce is None and request.auto is AutoKind.RECEIPT


@pytest.mark.parametrize("text", ['{"a":' * 5_000, "[1, 2, 3]", "{}", "[", '{"event":"bounce"}', "[" * 100_000])
def test_other_json_is_no_report(text: str) -> None:
    assert _bounce(_json(text)) is None


@pytest.mark.parametrize(
    "line", ["500 " * 5_000, "a" * 60_000, "<" * 60_000, "to " * 20_000, "a@" * 30_000, '"' * 60_000, "user: " * 10_000]
)
def test_a_long_line_in_a_report_is_read_in_linear_time(line: str) -> None:
    head = b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\n\nCould not be delivered to:\n"
    request = read(head + f"{line}\n".encode() * 5, _UNKNOWN)
    assert request.bounce is not None
