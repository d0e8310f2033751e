"""What stands in a mail beside its words: invitations, absences, complaints, packages, seals, links that lie."""

from __future__ import annotations

import base64

import pytest

from desk.mail.inbound_request import AutoKind
from gateway.email.formats.calendar import in_words
from gateway.email.html.links import hidden_target
from tests.gateway.email.mails import mail, multipart, read

_EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\n"
    "DTSTART:19700329T020000\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY:Team\\, lunch\r\n"
    "DTSTART;TZID=Europe/Berlin:20261201T120000\r\nDTEND;TZID=Europe/Berlin:20261201T133000\r\nLOCATION:Room 1\r\n"
    'ORGANIZER;CN="Kim: Park":mailto:kim@example.org\r\nRRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=4\r\n'
    "ATTENDEE;CN=Ann;PARTSTAT={answer}:mailto:ann@exam\r\n ple.com\r\nDESCRIPTION:Bring\\na fork\r\n"
    "BEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _event(method: str = "REQUEST", answer: str = "NEEDS-ACTION") -> str:
    return _EVENT.format(method=method, answer=answer)


def test_an_invitation_says_what_when_where_and_by_whom() -> None:
    request = read(mail(_event(), "Content-Type: text/calendar; method=REQUEST"))
    assert request.text == (
        "Invitation: Team, lunch\nWhen: Tue 1 Dec 2026, 12:00–13:30 (Europe/Berlin)\n"
        "Repeats: every week on TU, 4 times\nWhere: Room 1\nOrganiser: Kim: Park <kim@example.org>\n"
        "Invited: Ann <ann@example.com>\n\nBring\na fork"
    )
    assert request.attachments[0].media_type == "text/calendar"
    assert request.reply == request.text


@pytest.mark.parametrize(
    ("method", "answer", "first", "second"),
    [
        ("REPLY", "ACCEPTED", "Answer to the invitation: Team, lunch", "Answer: Ann <ann@example.com> accepted"),
        ("REPLY", "DECLINED", "Answer to the invitation: Team, lunch", "Answer: Ann <ann@example.com> declined"),
        ("CANCEL", "NEEDS-ACTION", "Cancelled: Team, lunch", "When: Tue 1 Dec 2026"),
        ("PUBLISH", "NEEDS-ACTION", "Event: Team, lunch", "When: Tue 1 Dec 2026"),
    ],
)
def test_an_answer_and_a_cancellation_say_so(method: str, answer: str, first: str, second: str) -> None:
    lines = read(mail(_event(method, answer), "Content-Type: text/calendar")).text.split("\n")
    assert lines[0] == first
    assert lines[1].startswith(second)


def test_an_invitation_is_told_below_words_that_do_not_say_when() -> None:
    parts = ("Content-Type: text/plain\r\n\r\nPlease come.", "Content-Type: text/calendar\r\n\r\n" + _event())
    assert read(multipart("alternative", *parts)).text.startswith("Please come.\n\nInvitation: Team, lunch\nWhen: Tue")
    said = parts[0].replace("come.", "come on Tuesday, 1 December at 12pm.")
    assert "Invitation" not in read(multipart("alternative", said, parts[1])).text


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261202", "Tue 1 Dec 2026 (all day)"),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261204", "Tue 1 Dec 2026 to Thu 3 Dec 2026 (all day)"),
        ("DTSTART:20261201T120000Z\nDURATION:PT1H30M", "Tue 1 Dec 2026, 12:00–13:30 (UTC)"),
        ("DTSTART:20261201T230000Z\nDURATION:P1D", "Tue 1 Dec 2026, 23:00 to Wed 2 Dec 2026, 23:00 (UTC)"),
        ("DTSTART:99999999T999999", "99999999T999999"),
    ],
)
def test_times_are_written_with_their_zone(lines: str, when: str) -> None:
    words = in_words(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n{lines}\nEND:VEVENT".encode(), "", "REQUEST")
    assert f"When: {when}" in words.split("\n")


def test_an_absence_says_until_when() -> None:
    request = read(mail("I am on leave until 3 April 2026.", "Auto-Submitted: auto-replied"))
    assert request.auto is AutoKind.REPLY
    assert request.auto_reason == "out of office until 2026-04-03 (Auto-Submitted: auto-replied)"


def test_a_complaint_says_of_what_kind_and_about_which_mail() -> None:
    request = read(
        multipart(
            "report; report-type=feedback-report",
            "\r\nThis is a spam report.",
            "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
            "Original-Rcpt-To: <kim@example.org>",
            "Content-Type: message/rfc822\r\n\r\nMessage-ID: <ours@desk.example>\r\n\r\nhello",
        )
    )
    assert request.auto is AutoKind.RECEIPT
    assert request.auto_reason == "a feedback report: abuse, by kim@example.org, about <ours@desk.example>"


def _tnef(*records: tuple[int, int, bytes]) -> bytes:
    out = b"\x78\x9f\x3e\x22\x01\x00"
    for level, number, data in records:
        out += bytes([level]) + number.to_bytes(2, "little") + b"\x06\x00" + len(data).to_bytes(4, "little") + data
        out += (sum(data) % 65_536).to_bytes(2, "little")
    return out


def test_the_files_in_a_winmail_dat_are_named_and_its_words_shown() -> None:
    name = "übersicht.xlsx\x00".encode("utf-16-le")
    long_name = b"\x01\x00\x00\x00\x1f\x00\x07\x37\x01\x00\x00\x00" + len(name).to_bytes(4, "little") + name
    packed = _tnef(
        (1, 0x800C, b"See the file.\x00"), (2, 0x9002, b"\x00" * 14), (2, 0x8010, b"UEBERS~1.XLS\x00"),
        (2, 0x800F, b"data"), (2, 0x9005, long_name),
    )  # fmt: skip
    body = base64.encodebytes(packed).decode()
    request = read(mail(body, "Content-Type: application/ms-tnef", "Content-Transfer-Encoding: base64"))
    assert "winmail.dat holds übersicht.xlsx (4 bytes)" in request.defects
    assert request.text == "See the file."
    assert [(file.name, file.size) for file in request.attachments][1:] == [("übersicht.xlsx", 4)]
    assert request.attachments[0].name == "winmail.dat" and "spreadsheetml" in request.attachments[1].media_type
    for end in range(0, len(packed), 7):
        read(mail(packed[:end], "Content-Type: application/ms-tnef"))


@pytest.mark.parametrize(
    ("fields", "body", "seal"),
    [
        (["Content-Type: application/pkcs7-mime; smime-type=enveloped-data"], "MIIB", "encrypted: S/MIME"),
        (["Content-Type: application/x-pkcs7-mime; name=smime.p7m"], "MIIB", "encrypted: S/MIME"),
        (["Content-Type: application/pkcs7-mime; smime-type=signed-data"], "MIIB", "signed: S/MIME (signed-data)"),
        (['Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'],
         "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--", "encrypted: PGP"),
        (['Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b'],
         "--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--", "signed: PGP"),
        (['Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b'],
         "--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--", "signed: S/MIME"),
        ([], "-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n-----END PGP MESSAGE-----", "encrypted: PGP"),
    ],
)  # fmt: skip
def test_a_sealed_mail_is_recognised_and_kept(fields: list[str], body: str, seal: str) -> None:
    assert seal in read(mail(body, *fields)).defects


def test_an_open_mail_has_no_seal() -> None:
    assert read(mail("hello")).defects == ()


def test_the_armour_of_a_signed_text_goes() -> None:
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIt works.\n-----BEGIN PGP SIGNATURE-----\n"
        "Version: GnuPG v2\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
    )
    request = read(mail(body))
    assert request.reply == "It works."
    assert {cut.reason for cut in request.cut} == {"signature"}


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("https://bank.example/login", "https://evil.example/login"),
        ("www.bank.example", "http://evil.example"),
        ("bank.example", "https://bank.example.evil.example/"),
        ("https://bank.example", "https://bank.example@evil.example/"),
        ("https://bank.example", "https://eu.safelinks.protection.outlook.com/?url=https%3A%2F%2Fevil.example"),
    ],
)
def test_a_link_that_names_another_host_shows_its_target(words: str, target: str) -> None:
    assert hidden_target(words, target) == target
    html = f'<p>Go to <a href="{target}">{words}</a> now</p>'
    request = read(mail(html, "Content-Type: text/html"))
    assert request.text == f"Go to {words} <{target}> now"
    assert f"{words}</a> &lt;{target}&gt; now" in request.html.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("bank.example", "https://www.bank.example/x?y"),
        ("https://bank.example", "https://login.bank.example/"),
        ("click here", "https://evil.example"),
        ("report.pdf", "https://files.example/1"),
        ("kim@example.org", "mailto:kim@example.org"),
        ("3.14", "https://evil.example"),
        ("https://bank.example", "https://eu.safelinks.protection.outlook.com/?url=https%3A%2F%2Fbank.example%2Fa"),
        ("https://bank.example", "https://["),
    ],
)
def test_a_link_that_hides_nothing_stays_as_it_is(words: str, target: str) -> None:
    assert hidden_target(words, target) == ""


def test_a_picture_that_is_a_sign_is_read() -> None:
    html = '<p>Thanks <img alt="\U0001f44d" src="cid:x"> <img alt="Logo" src="cid:y"></p>'
    assert read(mail(html, "Content-Type: text/html")).text == "Thanks \U0001f44d"
