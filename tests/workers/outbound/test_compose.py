"""The bytes of a mail: whatever people wrote, it stays one header, one recipient, and can be read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.mail.content import MailContent
from storage.mail.outbound_message import ClaimedMessage
from workers.outbound.mime import compose
from workers.outbound.mime.compose import Unsendable

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BOB, EVE = "bob@home.example.test", "eve@evil.example.test"
INJECTION = f"\r\nBcc: {EVE}\r\n\r\nX"
SMUGGLED = f"=?utf-8?q?hello=0D=0ABcc:_{EVE}=0D=0A?="
nasty = st.text(max_size=60) | st.text(alphabet='=?utf-8qQbB_ \r\n\x00\u2028\u0085:<>"@,;()\\AD0', max_size=80)
HEADERS = ["Message-ID", "Date", "From", "To", "Subject", "X-Frontdesk"]
MIME = {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}


def letter(recipient: str = BOB, **content: Any) -> ClaimedMessage:
    base = {"from": "support@desk.example.test", "from_name": "Desk", "to_name": "Bob", "subject": "s", "text": "t"}
    whole = MailContent.from_json(base | content)
    return ClaimedMessage(1, "reply", "mail", recipient, "fd.1.a.b@desk.example.test", whole, 1, 1, 1, NOW)


def composed(made: ClaimedMessage) -> EmailMessage:
    data = compose.compose(made, lambda name: b"bytes", NOW)
    return message_from_bytes(data, policy=policy.default)  # type: ignore[return-value]


def body(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def header_names(mail: EmailMessage) -> list[str]:
    return [name for name in mail.keys() if name not in MIME]  # noqa: SIM118


def to_addresses(mail: EmailMessage, name: str = "To") -> list[str]:
    return [address.addr_spec for address in mail[name].addresses]


@given(nasty)
@example(f"Hello{INJECTION}")
@example(SMUGGLED)
@example(f"a\u2028Bcc: {EVE}")
def test_no_subject_adds_a_header_or_a_recipient(subject: str) -> None:
    mail = composed(letter(subject=subject))
    assert header_names(mail) == HEADERS and to_addresses(mail) == [BOB]
    assert "\n" not in mail["Subject"] and "\r" not in mail["Subject"]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=200))
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    assert composed(letter(subject=subject))["Subject"] == subject.replace("=?", "= ?")


@given(nasty)
@example(f"Bob{INJECTION}")
@example(SMUGGLED)
@example(f'"Bob" <{EVE}>, x')
def test_no_name_adds_a_header_or_a_recipient(name: str) -> None:
    mail = composed(letter(to_name=name, from_name=name, reply_to="support+x@desk.example.test"))
    assert sorted(header_names(mail)) == sorted([*HEADERS, "Reply-To"])
    assert to_addresses(mail) == [BOB] and to_addresses(mail, "From") == ["support@desk.example.test"]
    assert to_addresses(mail, "Reply-To") == ["support+x@desk.example.test"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bob",
        f"{BOB}\r\nBcc: {EVE}",
        f"{BOB},{EVE}",
        "bob@x\x00.test",
        "bob@ex\u2028ample.test",
        f"x <{EVE}>",
        BOB + "\n",
    ],
)
def test_a_recipient_that_is_not_one_plain_address_is_unsendable(address: str) -> None:
    with pytest.raises(Unsendable):
        compose.compose(letter(address), lambda name: None, NOW)


def test_an_address_beyond_ascii_stands_in_its_own_mail_as_it_is() -> None:
    head = compose.compose(letter("jörg@home.example.test"), lambda name: None, NOW).partition(b"\r\n\r\n")[0]
    assert "To: Bob <jörg@home.example.test>".encode() in head


def test_a_copy_that_cannot_be_addressed_does_not_keep_the_reply_from_the_requester() -> None:
    made = letter(cc=["carol@home.example.test", "jörg@x.test", f"x@y.test\r\nBcc: {EVE}"])
    assert to_addresses(composed(made), "Cc") == ["carol@home.example.test"]
    assert compose.recipient(made) == BOB


@given(st.lists(nasty, max_size=5), nasty)
@example([f"a@b\r\nBcc: {EVE}", SMUGGLED], SMUGGLED)
def test_no_reference_adds_a_header(references: list[str], parent: str) -> None:
    mail = composed(letter(references=references, in_reply_to=parent))
    assert set(header_names(mail)) <= {*HEADERS, "In-Reply-To", "References"} and to_addresses(mail) == [BOB]


def test_long_message_ids_stay_readable_for_mail_programs() -> None:
    ids = [f"{'A' * 60}{i}@PROD-{'b' * 40}.example.test" for i in range(150)]
    data = compose.compose(letter(references=ids, in_reply_to=ids[-1]), lambda name: None, NOW)
    kept = [f"<{i}>" for i in [ids[0], *ids[-99:]]]
    mail = message_from_bytes(data, policy=policy.default)
    assert b"=?" not in data and mail["References"].split() == kept and mail["In-Reply-To"] == kept[-1]
    assert max(len(line) for line in data.split(b"\r\n")) < 998


@given(nasty, nasty)
@example(f"a{INJECTION}.txt", f'image/png"{INJECTION}')
@example(SMUGGLED, "text/html")
@example("ü" * 300, "é/ü")
def test_no_file_name_or_type_adds_a_header_or_spoils_the_file(name: str, media_type: str) -> None:
    mail = composed(letter(attachments=[{"name": name, "media_type": media_type, "sha256": "x"}]))
    (part,) = mail.iter_attachments()
    assert body(mail).split() == ["t"]
    assert header_names(mail) == HEADERS and set(part.keys()) <= MIME | {"Content-Disposition"}
    assert part.get_payload(decode=True) == b"bytes" and "\n" not in (part.get_filename() or "")


@pytest.mark.parametrize(
    ("media_type", "data", "said"),
    [
        ("text/plain", "Zürich\n\ralone\r\nFrom here\n.\n".encode(), 'text/plain; charset="utf-8"'),
        ("text/csv", b"a;b\r\n1;2\r\n", 'text/csv; charset="utf-8"'),
        ("Text/Calendar", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", 'text/calendar; charset="utf-8"'),
        ("text/csv", b"M\xfcnchen;1\r\n", "text/csv"),
        ("text/plain", b"", 'text/plain; charset="utf-8"'),
        ("message/rfc822", b"Subject: x\n\ny", "application/octet-stream"),
        ("multipart/mixed", b"x", "application/octet-stream"),
    ],
)
def test_a_text_file_goes_out_with_its_own_type_and_its_own_bytes(media_type: str, data: bytes, said: str) -> None:
    stored = {"name": "file", "media_type": media_type, "sha256": "x"}
    raw = compose.compose(letter(attachments=[stored]), lambda name: data, NOW)
    (part,) = message_from_bytes(raw, policy=policy.default).iter_attachments()  # type: ignore[attr-defined]
    assert part["Content-Type"] == said and part["Content-Transfer-Encoding"] == "base64"
    assert part.get_payload(decode=True) == data and raw.isascii()


def test_an_attachment_that_is_gone_makes_the_mail_unsendable() -> None:
    with pytest.raises(Unsendable, match=r"report\.pdf"):
        compose.compose(letter(attachments=[{"name": "report.pdf", "sha256": "x"}]), lambda name: None, NOW)


@given(st.text(max_size=300))
@example("From here\r.\r\n..\n" + "x" * 3000)
def test_any_text_can_be_sent(text: str) -> None:
    mail = composed(letter(text=text, quote={"attribution": text, "text": text}, signature=text))
    assert mail.get_content_type() == "multipart/alternative" and header_names(mail) == HEADERS


def test_a_mail_has_the_same_message_id_each_time() -> None:
    assert composed(letter())["Message-ID"] == composed(letter())["Message-ID"] == "<fd.1.a.b@desk.example.test>"


def test_only_automatic_mail_says_that_it_is_automatic() -> None:
    assert composed(letter())["Auto-Submitted"] is None
    made = composed(letter(automatic=True))
    signs = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence")
    assert [made[name] for name in signs] == ["auto-replied", "All", "auto_reply"]
    notice = composed(replace(letter(automatic=True), kind="notice"))
    assert notice["Auto-Submitted"] == "auto-generated" and notice["X-Auto-Response-Suppress"] == "All"
