"""What is written as a mail is read back as it was, by the standard library, and every relay may pass it on."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.outbound.mime import wire

lines = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
words = st.lists(lines, max_size=6).map("\n".join)
names = st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=200)


def _read(raw: bytes) -> EmailMessage:
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


@given(words)
@example("-- \nwith a space at its end")
@example(".\n..\nFrom me")
@example("x" * 5000)
@example("ä" * 5000)
def test_words_are_read_back_as_they_were(said: str) -> None:
    read = _read(wire.mail([("Subject", "x")], wire.text("plain", said)))
    assert read.get_content().replace("\r\n", "\n").rstrip("\n") == said.rstrip("\n")


@given(names, st.binary(max_size=300))
@example("Angebot für Köln (final).pdf", b"")
@example('a"b\\c;d.txt', b"x")
@example("長い名前" * 20 + ".pdf", b"x")
def test_a_file_keeps_its_name_and_its_bytes(name: str, data: bytes) -> None:
    name = " ".join(name.split()) or "x"
    part = wire.multipart("mixed", [wire.text("plain", "t"), wire.file(name, "application/pdf", data)], "u")
    (file,) = _read(wire.mail([], part)).iter_attachments()
    assert file.get_content() == data
    assert file.get_filename() == name


@given(names)
def test_a_name_stays_one_name_with_one_address(name: str) -> None:
    name = " ".join(name.split()).replace("=?", "= ?")
    raw = wire.mail([("From", wire.mailbox(name, "ada@desk.example.test"))], wire.text("plain", "t"))
    read = _read(raw)
    (address,) = read["From"].addresses
    assert address.addr_spec == "ada@desk.example.test"
    # The newer interface of the library puts spaces between encoded words of a name; mail programs do not.
    spelled = str(make_header(decode_header(message_from_bytes(raw)["From"]))).replace("\r\n", "")
    assert parseaddr(spelled)[0] == name or not name.isascii()
    assert spelled.rpartition(" <")[0] == name or name.isascii()


@given(st.lists(st.sampled_from(["word", "Ünïcode", "長い", " ", "x" * 60, "y" * 2000]), max_size=40).map(" ".join))
def test_a_subject_is_folded_and_read_back(subject: str) -> None:
    subject = subject.strip()
    assert _read(wire.mail([("Subject", wire.unstructured(subject))], wire.text("plain", "t")))["Subject"] == subject


def test_many_ids_are_folded_one_behind_the_other() -> None:
    chain = " ".join(f"<{'i' * 60}{n}@mail.example.test>" for n in range(40))
    read = _read(wire.mail([("References", chain)], wire.text("plain", "t")))
    assert " ".join(str(read["References"]).split()) == chain


@pytest.mark.parametrize("value", ["a\nBcc: eve@evil.example.test", "a\r\n b", "a\r"])
def test_a_value_of_several_lines_is_no_header(value: str) -> None:
    with pytest.raises(wire.MultilineValue):
        wire.mail([("Subject", value)], wire.text("plain", "t"))


def test_parts_within_parts_stay_where_they_belong() -> None:
    page = wire.multipart(
        "related", [wire.text("html", "<p>é"), wire.file("p.png", "image/png", b"P", content_id="1@x")], "u"
    )
    both = wire.multipart("alternative", [wire.text("plain", "é"), page], "u")
    read = _read(wire.mail([], wire.multipart("mixed", [both, wire.file("a.csv", "text/csv", b"1,2")], "u")))
    kinds = [part.get_content_type() for part in read.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
    ]
    picture = next(part for part in read.walk() if part.get_content_type() == "image/png")
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<1@x>", "inline")


@pytest.mark.parametrize("local", ["taro..yamada.", "taro.", ".taro"])
def test_an_address_whose_dots_need_quotes_gets_them(local: str) -> None:
    assert wire.mailbox("Taro", f"{local}@x.example.test") == f'Taro <"{local}"@x.example.test>'
