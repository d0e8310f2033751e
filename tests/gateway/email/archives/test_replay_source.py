"""Where mails to replay come from: every kind of place, in a fixed order, without touching it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.email.archives.mbox import read_mbox
from gateway.email.archives.replay_source import BadReplaySource, read_mails
from tests.gateway.email.imap.imap_desk import mail
from tests.servers import dovecot
from tests.servers.dovecot import PASSWORD, Dovecot

DATE = b"From ana@example.test Mon Nov 23 13:50:37 2026\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as started:
        yield started


def split(text: bytes) -> list[bytes]:
    return list(read_mbox(text.splitlines(keepends=True)))


def test_mails_of_an_mbox_are_numbered_and_whole(tmp_path: Path) -> None:
    first, second = b"Subject: a\n\nwords\n\nmore\n", b"Subject: b\n\n>From the start\n"
    path = tmp_path / "old.mbox"
    path.write_bytes(DATE + first + b"\n" + DATE + second + b"\n")
    assert list(read_mails(str(path))) == [
        ("old.mbox#1", first),
        ("old.mbox#2", b"Subject: b\n\nFrom the start\n"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"From ana@example.test Mon Nov 23 13:50:37 2026\n",
        b"From ana@example.test Mon Nov 23 13:50:37 2026\r\n",
        b"From ana@example.test  Mon Nov  2 13:50:37 2026 +0100\n",
        b"From ana at example.test Mon Nov 23 13:50:37 CET 2026\n",
        b"From 1449186587988797545@xxx Mon Nov 23 13:50:37 +0000 2026\n",
        b"From - Mon Nov 23 13:50:37 2026\n",
        b"From ???@??? Mon Nov 23 13:50:37 2026\n",
        b"From ana@example.test 2026-11-23 13:50:37\n",
        b'From "ana b"@example.test Mon Nov 23 13:50 2026 remote from relay\n',
        b"From MAILER-DAEMON Mon Nov 23 13:50:37 2026\n",
    ],
)
def test_a_mail_starts_at_every_kind_of_from_line(line: bytes) -> None:
    assert split(line + b"Subject: a\n\nx\n\n" + line + b"Subject: b\n\ny\n") == [
        b"Subject: a\n\nx\n",
        b"Subject: b\n\ny\n",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        b"From what I see: it is broken\nReason: unknown\n",
        b"From Monday at 10:30 on nothing works\nSteps: none\n",
        b"From here on it fails\n",
        b"From 10:30 to 11:00 in Nov 2026 it was down\n\nand then up\n",
    ],
)
def test_a_sentence_that_begins_with_from_is_text(sentence: bytes) -> None:
    whole = b"Subject: a\n\nhello\n\n" + sentence
    assert split(DATE + whole) == [whole]


def test_an_mbox_without_empty_lines_between_mails_is_read() -> None:
    assert split(DATE + b"Subject: a\n\nx\n" + DATE + b"Subject: b\n\ny\n") == [
        b"Subject: a\n\nx\n",
        b"Subject: b\n\ny\n",
    ]


def test_a_mail_without_content_and_a_cut_off_file_are_kept() -> None:
    assert split(DATE + b"\n" + DATE + b"Subject: b\n") == [b"\n", b"Subject: b\n"]


@given(st.lists(st.lists(st.sampled_from([b"words\n", b"\n", b"From me\n", b">From you\n", b"A: b\n"]), min_size=1)))
def test_what_is_written_as_an_mbox_is_read_back(bodies: list[list[bytes]]) -> None:
    mails = [b"Subject: x\n\n" + b"".join(lines) for lines in bodies]
    text = b"".join(DATE + _quoted(one) + b"\n" for one in mails)
    assert split(text) == mails


@given(st.binary())
def test_any_bytes_are_read_without_losing_a_letter_of_text(data: bytes) -> None:
    found = split(DATE + b"Subject: x\n\n" + data)
    assert found[0].startswith(b"Subject: x\n")


def test_a_maildir_is_read_by_the_time_of_delivery(tmp_path: Path) -> None:
    for name, raw in (("new/1700000003.b", b"3"), ("cur/1700000001.z:2,S", b"1"), ("cur/1700000002.a:2,", b"2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    assert [raw for _, raw in read_mails(str(tmp_path))] == [b"1", b"2", b"3"]


def test_a_folder_of_eml_files_and_a_single_one_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.eml", "a.EML", "sub/c.eml", "notes.txt"):
        (tmp_path / name).write_bytes(f"Subject: {name}\n\n".encode())
    assert [label for label, _ in read_mails(str(tmp_path))] == ["a.EML", "b.eml", "sub/c.eml"]
    assert list(read_mails(str(tmp_path / "b.eml"))) == [("b.eml", b"Subject: b.eml\n\n")]


def test_an_imap_folder_is_read_and_left_as_it_was(server: Dovecot) -> None:
    server.append(*(mail(n) for n in range(3)), folder="Old mail")
    spec = f"imap://support@127.0.0.1:{server.imap_port}/Old%20mail"
    before = server.contents(folder="Old mail")
    found = list(read_mails(spec, {"FRONTDESK_REPLAY_PASSWORD": PASSWORD}))
    assert found == [(f"Old mail#{n + 1}", mail(n)) for n in range(3)]
    assert server.contents(folder="Old mail") == before


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("/nonexistent/mail", "no such file"),
        ("imap://example.test/INBOX", "should be imaps://user@host"),
        ("imaps://u@example.test:port/", "should be imaps://user@host"),
        ("imaps://u:hunter2@example.test/INBOX", "does not belong into the address"),
        ("imaps://u@127.0.0.1:1/INBOX", "cannot be reached"),
    ],
)
def test_a_place_that_cannot_be_read_is_refused_with_a_reason(spec: str, words: str) -> None:
    with pytest.raises(BadReplaySource, match=words) as caught:
        list(read_mails(spec, {"FRONTDESK_REPLAY_PASSWORD": "x"}))
    assert "hunter2" not in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadReplaySource, match=r"no \.eml files"):
        list(read_mails(str(tmp_path)))


def _quoted(raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    return b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines)
