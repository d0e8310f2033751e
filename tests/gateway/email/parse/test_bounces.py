"""Delivery reports are found with what they say; a person's mail about one is none."""

from __future__ import annotations

import pytest

from desk.mail.inbound_request import AutoKind, Envelope
from tests.gateway.email.mails import mail, read

_REPORT = (
    "--b\r\nContent-Type: text/plain\r\n\r\nCould not be delivered.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
    "Final-Recipient: rfc822; Bob@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
    "Diagnostic-Code: smtp; {code} no such user\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <out.1@desk.example>\r\n\r\nhi\r\n--b--\r\n"
)
_NULL = Envelope("", ("support@desk.example",), "192.0.2.7")


def _report(action: str = "failed", status: str = "5.1.1", code: str = "550") -> bytes:
    return mail(
        _REPORT.format(action=action, status=status, code=code),
        "From: MAILER-DAEMON@mx.example",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        without="From",
    )


def test_a_report_by_rfc_3464_names_who_why_and_which_mail() -> None:
    request = read(_report(), _NULL)
    assert request.auto is AutoKind.BOUNCE
    assert request.bounce is not None
    assert request.bounce.recipients == ("bob@example.org",)
    assert request.bounce.permanent
    assert request.bounce.status == "5.1.1"
    assert "no such user" in request.bounce.diagnostic
    assert request.bounce.original_message_id == "out.1@desk.example"


def test_a_delay_is_not_permanent() -> None:
    bounce = read(_report("delayed", "4.4.1", "421"), _NULL).bounce
    assert bounce is not None
    assert not bounce.permanent


def test_a_report_of_success_is_no_bounce() -> None:
    request = read(_report("delivered", "2.0.0", "250"), _NULL)
    assert request.bounce is None
    assert request.auto is not AutoKind.NONE


def test_prose_of_a_mail_server_is_understood() -> None:
    body = (
        "This message was created automatically.\r\nA message that you sent could not be delivered:\r\n\r\n"
        "  bob@example.org\r\n    550 5.1.1 unknown user\r\n\r\nMessage-ID: <out.2@desk.example>\r\n"
    )
    raw = mail(body, "From: Mail Delivery System <Mailer-Daemon@mx.example>", without="From")
    bounce = read(raw, _NULL).bounce
    assert bounce is not None
    assert bounce.recipients == ("bob@example.org",)
    assert bounce.original_message_id == "out.2@desk.example"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Undelivered parcel", "My parcel could not be delivered, status 5.1.1"),
        ("Delivery failed for my order", "It says 550 user unknown"),
        ("Mail delivery failed: returning message to sender", "I got this error, what does it mean?"),
    ],
)
def test_a_person_who_writes_about_a_bounce_is_a_person(subject: str, body: str) -> None:
    request = read(mail(body, f"Subject: {subject}", without="Subject"))
    assert request.bounce is None
    assert request.auto is AutoKind.NONE


def test_a_person_who_attaches_a_bounce_is_a_person() -> None:
    raw = mail(
        f"--o\r\n\r\nWhat is this?\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n{_report().decode()}\r\n--o--\r\n",
        "Content-Type: multipart/mixed; boundary=o",
    )
    assert read(raw).bounce is None
