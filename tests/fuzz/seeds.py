"""The mails that fuzzing starts from: one of each shape that the reader knows.

It returns raw mails, small, so that random changes hit something.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

HEAD = (
    b"From: Ann <ann@example.com>\r\nTo: desk@example.com\r\nSubject: =?utf-8?q?Re=3A_x?=\r\n"
    b"Message-ID: <1@example.com>\r\nIn-Reply-To: <0@example.com>\r\nReferences: <a@x> <0@example.com>\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
)
_TEXTS = (
    b"It works.\r\n\r\nOn Mon, Mar 2, 2026 at 9:00 Kim <k@example.org> wrote:\r\n> old\r\n> more\r\n\r\n-- \r\nAnn\r\n",
    b"Danke\r\n\r\nVon: Kim <k@example.org>\r\nGesendet: Montag\r\nAn: Ann\r\nBetreff: x\r\n\r\nalt\r\n",
    b"FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Bob <b@example.org>\r\nSubject: y\r\n\r\nhelp\r\n",
    b"see\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n```\r\n> code\r\n```\r\nSent from my iPhone\r\n",
    b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nwords\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nab\r\n",
    b"I am away until 1 December 2026 and back on 02.12.2026.\r\n",
)
_HTML = (
    b'<p>Hi <b>you</b><br>2</p><a href="https://evil.example/x">https://bank.example</a><img src="cid:i1" alt="x">'
    b'<div class="gmail_quote">On Monday Kim wrote:<blockquote class="gmail_quote">old</blockquote></div>'
)
_OUTLOOK = b'<div>ok</div><div id="divRplyFwdMsg"><b>From:</b> Kim<br><b>Sent:</b> x</div><pre>old\n x</pre><style>a'
_EVENT = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\\, all\r\nDTSTART;TZID=Europe/Berlin:20261201T"
    b"120000\r\nDURATION:PT1H30M\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\nLOCATION:Room 1\r\nORGANIZER;CN=Kim:mailto:k@example"
    b'.org\r\nATTENDEE;PARTSTAT=ACCEPTED;CN="Ann, B":mailto:ann@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
)
_STATUS = (
    b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; kim@example.org\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n"
)


def seeds() -> Iterator[bytes]:
    """All of them."""
    for text in _TEXTS:
        yield HEAD + b"Content-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n" + text
    for html in (_HTML, _OUTLOOK):
        yield HEAD + b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n" + html
    encoded = base64.encodebytes(_TEXTS[0]).replace(b"\n", b"\r\n")
    yield HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded
    yield HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\nca=C3=A9 =\r\nx\r\n"
    yield HEAD + b"Content-Type: text/calendar; method=REQUEST\r\n\r\n" + _EVENT
    yield HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + _tnef()
    yield HEAD + b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n\r\nMIIB'
    yield _multipart("alternative", (b"text/plain", _TEXTS[0]), (b"text/html", _HTML))
    yield _multipart("mixed", (b"text/plain", b"see"), (b"application/pdf; name*0*=utf-8''%C3%A4; name*1=b", b"%PDF"))
    yield _multipart("mixed", (b"text/plain", b"see"), (b"message/rfc822", HEAD + b"\r\ninner"))
    yield _multipart("related", (b"text/html", _HTML), (b"image/png\r\nContent-ID: <i1>", b"png"))
    yield _multipart(
        "report; report-type=delivery-status", (b"text/plain", b"no"), (b"message/delivery-status", _STATUS)
    )
    yield _multipart(
        "report; report-type=feedback-report",
        (b"text/plain", b"abuse"),
        (b"message/feedback-report", b"Feedback-Type: abuse\r\nOriginal-Mail-From: <a@b>\r\n"),
    )


def _multipart(kind: str, *parts: tuple[bytes, bytes]) -> bytes:
    body = b"".join(b"--b\r\nContent-Type: " + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return HEAD + b"Content-Type: multipart/" + kind.encode() + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


def _tnef() -> bytes:
    title = b"a.txt\x00"
    record = b"\x02" + (0x00018010).to_bytes(4, "little") + len(title).to_bytes(4, "little") + title
    return (0x223E9F78).to_bytes(4, "little") + b"\x01\x00" + record + (sum(title) % 65536).to_bytes(2, "little")
