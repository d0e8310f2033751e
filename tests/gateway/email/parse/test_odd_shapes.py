"""Mail whose parts, header or files are written as old, broken or careless programs write them, and still are read."""

from __future__ import annotations

import pytest

from tests.gateway.email.mails import HEADER, mail, read

HEAD = HEADER.encode()
PLAIN = "Content-Type: text/plain; charset=utf-8"
MIXED = "Content-Type: multipart/mixed; boundary=b"


def body(kind: str, content: str | bytes, *more: str) -> bytes:
    return mail(content, kind, *more)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (body(MIXED, "pre\r\n--b\r\n\r\nhi there"), "hi there"),
        (body('Content-Type: multipart/mixed; boundary = "a b"', "--a b\r\n\r\nhi\r\n--a b--"), "hi"),
        (body("Content-type: MULTIPART/Mixed; BOUNDARY=b", "--b\r\n\r\nhi\r\n--b--"), "hi"),
        ((HEAD + b"\r\none\r\ntwo").replace(b"\r\n", b"\r"), "one\ntwo"),
        ((HEAD + b"\r\none\r\ntwo").replace(b"\r\n", b"\n"), "one\ntwo"),
        (b"From ann@example.com Mon Mar  2 10:00:00 2026\r\n" + HEAD + b"\r\nhi", "hi"),
        (b"\r\n\r\n" + HEAD + b"\r\nhi", "hi"),
        (HEAD + b"No empty line stands above.\r\nNone at all.\r\n", "No empty line stands above.\nNone at all."),
        (body(PLAIN, b"a\x00b"), "ab"),
        (body(PLAIN + "; format=flowed; delsp=yes", "日本 \r\n語です\r\n"), "日本語です"),
        (body(PLAIN, "long=\r\n line=3D=C3=A4 x=2", "Content-Transfer-Encoding: Quoted-Printable"), "long line=ä x=2"),
        (body(PLAIN, "gr=C3=BCn", "Content-Transfer-Encoding: quoted printable"), "grün"),
        (body(PLAIN, "gr=C3=BCn", 'Content-Transfer-Encoding: "quoted-printable"'), "grün"),
        (body(PLAIN, "grün", "Content-Transfer-Encoding: 8-bit"), "grün"),
        (body(PLAIN, "aGVsbG8", "Content-Transfer-Encoding: base64 (no padding)"), "hello"),
        (body("Content-Type: text/plain (words); charset=utf-8 (unicode)", "grün"), "grün"),
        (body("Content-Type: text", "x"), "x"),
        (body("Content-Type: foo", "x"), "x"),
        (body(PLAIN + "\r\nContent-Type: text/html", "<x"), "<x"),
        (
            body(MIXED, "--b\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b\r\n\r\ntwo\r\n--b--"),
            "one\n\ntwo",
        ),
        (
            body(
                "Content-Type: multipart/alternative; boundary=b",
                "--b\r\n\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>only here</p>\r\n--b--",
            ),
            "only here",
        ),
        (body("Content-Type: text/html", "<title>T</title>one<br>two"), "one\ntwo"),
        (
            body("Content-Type: text/html", '<meta charset="koi8-r">Принтер сломан'.encode("koi8-r")),
            "Принтер сломан",
        ),
    ],
)
def test_the_words_are_found(raw: bytes, words: str) -> None:
    request = read(raw)
    assert request.text.strip() == words
    assert request.subject == "Printer"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment;\r\n filename*0*=utf-8''%C3%84rger;\r\n filename*1*=%20und;\r\n filename*2=\" mehr.pdf\"",
         "Ärger und mehr.pdf"),
        ("attachment; filename*=iso-8859-1''%C4rger.pdf", "Ärger.pdf"),
        ('attachment; filename="=?utf-8?B?w4RyZ2Vy?=\r\n =?utf-8?B?LnBkZg==?="', "Ärger.pdf"),
        ("attachment; filename==?utf-8?Q?=C3=84rger_x.pdf?=", "Ärger x.pdf"),
        ('attachment; filename="Ärger.pdf"', "Ärger.pdf"),
        ("attachment; filename=\"a.pdf\"; filename*=utf-8''%C3%84.pdf", "Ä.pdf"),
        ("attachment; filename=my file name.pdf", "my file name.pdf"),
        ('attachment; filename="a;b.pdf"', "a;b.pdf"),
        ('attachment; filename="100%25.pdf"', "100%25.pdf"),
    ],
)  # fmt: skip
def test_file_names_are_read_however_they_are_written(disposition: str, name: str) -> None:
    part = f"Content-Type: application/pdf\r\nContent-Disposition: {disposition}\r\n\r\nx"
    assert [kept.name for kept in read(mail(f"--b\r\n\r\nhi\r\n--b\r\n{part}\r\n--b--", MIXED)).attachments] == [name]


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("=?utf-8?q?Hello_W=C3=B6rld?= tail", "Hello Wörld tail"), ("=?utf-8?Q?=C3?= =?utf-8?Q?=84?=", "Ä"),
        ("=?utf-8?Q?a b c?=", "a b c"), ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"), ("x=?utf-8?Q?a?=y", "xay"),
        ("=?utf-8*de?Q?a?=", "a"), ("=?UTF-8?b?w4Q=?=", "Ä"), ("\r\n S and\r\n\tmore", "S and more"),
        ("\tS", "S"), ("=?utf-8?Q??= x", "x"), ("=?x-unknown?Q?=41?=", "A"),
    ],
)  # fmt: skip
def test_subjects_are_read_however_they_are_encoded(value: str, subject: str) -> None:
    assert read(mail("x", f"Subject: {value}", without="Subject")).subject == subject


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("ann@example.com (Ann Example)", "ann@example.com", "Ann Example"),
        ("Ann<ANN@Example.COM>", "ann@example.com", "Ann"),
        ('"=?utf-8?Q?M=C3=BCller=2C_Ann?=" <ann@example.com>', "ann@example.com", "Müller, Ann"),
        ("Ann <mailto:ann@example.com>", "ann@example.com", "Ann"),
        ("'a@x.com' <ann@example.com>", "ann@example.com", "'a@x.com'"),
    ],
)  # fmt: skip
def test_authors_are_read_however_they_are_written(value: str, address: str, name: str) -> None:
    sender = read(mail("x", f"From: {value}", without="From")).sender
    assert (sender.address, sender.name) == (address, name)
    assert not value.startswith("Ann <mailto") or not read(mail("x", f"From: {value}", without="From")).sender_strict


def test_a_mac_file_in_two_forks_is_kept() -> None:
    fork = "Content-Type: {}; name=x.jpg\r\nContent-Disposition: inline; filename=x.jpg\r\n\r\nx"
    forks = "".join(f"--d\r\n{fork.format(kind)}\r\n" for kind in ("application/applefile", "image/jpeg"))
    inner = f"Content-Type: multipart/appledouble; boundary=d\r\n\r\n{forks}--d--"
    request = read(mail(f"--b\r\n\r\nhi\r\n--b\r\n{inner}\r\n--b--", MIXED))
    assert request.text.strip() == "hi" and {kept.name for kept in request.attachments} == {"x.jpg"}


@pytest.mark.parametrize(
    "kind",
    ["message/partial; id=1; number=1; total=2", "message/external-body; access-type=URL; URL=http://127.0.0.1:1/"],
)
def test_what_lies_elsewhere_is_never_fetched(kind: str) -> None:
    request = read(
        mail(f"--b\r\n\r\nhi\r\n--b\r\nContent-Type: {kind}\r\n\r\nContent-Type: text/plain\r\n\r\n--b--", MIXED)
    )
    assert request.text.strip() == "hi"


def test_a_digest_keeps_each_of_its_mails() -> None:
    parts = "".join(f"--b\r\n\r\nSubject: {name}\r\n\r\nwords of {name}\r\n" for name in ("One", "Two"))
    request = read(mail(parts + "--b--", "Content-Type: multipart/digest; boundary=b"))
    assert [kept.media_type for kept in request.attachments] == ["message/rfc822"] * 2
