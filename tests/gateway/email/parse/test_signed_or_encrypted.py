"""What is inside opaque S/MIME signatures and winmail.dat, as real and as hostile programs write them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.email.formats import smime_opaque, tnef
from tests.components import need
from tests.gateway.email.mails import b64, mail, read, read_whole

ENTITY = (
    b'Content-Type: multipart/mixed; boundary="i"\r\n\r\n--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    b"Gr\xc3\xbc\xc3\x9fe,\r\nthe door is open.\r\n--i\r\nContent-Type: application/pdf; name=plan.pdf\r\n\r\n"
    b"%PDF\r\n--i--\r\n"
)
SIGNED, DATA = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
OPAQUE = (
    "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
    "Content-Transfer-Encoding: base64",
)


def _der(tag: int, *inside: bytes) -> bytes:
    content = b"".join(inside)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x84]) + size.to_bytes(4, "big")
    return bytes([tag]) + length + content


def _ber(tag: int, *inside: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(inside) + b"\x00\x00"


def _signed(octets: bytes, kind: bytes = SIGNED) -> bytes:
    inner = _der(0x30, DATA, _der(0xA0, octets))
    return _der(0x30, kind, _der(0xA0, _der(0x30, b"\x02\x01\x01", _der(0x31, b"\x05\x00"), inner, _der(0x31))))


def _streamed(octets: bytes) -> bytes:
    inner = _ber(0x30, DATA, _ber(0xA0, octets))
    return _ber(0x30, SIGNED, _ber(0xA0, _ber(0x30, b"\x02\x01\x01", _der(0x31), inner, _der(0x31))))


PIECES = [_der(0x04, ENTITY[at : at + 50]) for at in range(0, len(ENTITY), 50)]


@pytest.mark.parametrize(
    "data",
    [
        _signed(_der(0x04, ENTITY)),
        _signed(_der(0x24, *PIECES)),
        _signed(_ber(0x24, *PIECES)),
        _streamed(_ber(0x24, *PIECES)),
        _streamed(_ber(0x24, _ber(0x24, *PIECES[:3]), _der(0x24, *PIECES[3:]))),
        _streamed(_der(0x04, ENTITY)),
    ],
)
def test_what_was_signed_opaquely_is_read_and_its_files_are_attached(data: bytes) -> None:
    request = read(mail(b64(data), *OPAQUE))
    assert request.reply == "Grüße,\nthe door is open." and request.subject == "Printer"
    assert [file.name for file in request.attachments] == ["plan.pdf"]
    assert request.defects == ("signed: S/MIME",)


@pytest.mark.parametrize("how", [[], ["-stream"]])
def test_what_openssl_signed_is_read(tmp_path: Path, how: list[str]) -> None:
    openssl = need("openssl")
    key, certificate, text, out = (str(tmp_path / name) for name in ("key", "cert", "text", "out"))
    Path(text).write_bytes(ENTITY)
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Ann", "-keyout", key, "-out", certificate]
    sign = ["cms", "-sign", "-nodetach", "-in", text, "-signer", certificate, "-inkey", key, "-out", out]
    sign += ["-outform", "DER", "-binary", *how]
    for command in (new, sign):
        subprocess.run([openssl, *command], check=True, capture_output=True)
    assert smime_opaque.signed_content(Path(out).read_bytes()) == ENTITY


def test_a_signature_in_a_signature_is_opened_only_so_often() -> None:
    entity = ENTITY
    for _ in range(2):
        head = "\r\n".join(OPAQUE).encode()
        entity = head + b"\r\n\r\n" + b64(_signed(_der(0x04, entity))).encode()
    assert read(mail(b64(_signed(_der(0x04, entity))), *OPAQUE)).reply == "Grüße,\nthe door is open."
    for _ in range(5):
        entity = "\r\n".join(OPAQUE).encode() + b"\r\n\r\n" + b64(_signed(_der(0x04, entity))).encode()
    deep = read(mail(b64(_signed(_der(0x04, entity))), *OPAQUE))
    assert deep.text == "" and [file.name for file in deep.attachments] == ["smime.p7m"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x89" + b"\xff" * 9,
        _signed(b""),
        _signed(_der(0x04)),
        _signed(_der(0x04, ENTITY), DATA),
        _signed(_ber(0x24) * 100),
        _der(0x30, SIGNED),
    ],
)
def test_what_is_no_signed_mail_stays_a_file(data: bytes) -> None:
    request = read(mail(b64(data), *OPAQUE))
    assert [file.name for file in request.attachments] == ["smime.p7m"] and request.text == ""
    assert request.defects == ("signed: S/MIME (signed-data)",)


def test_two_html_parts_at_the_same_place_of_two_mails_are_not_mixed_up() -> None:
    page = b"Content-Type: text/html\r\n\r\n<p>inner</p>"
    signed = b64(_signed(_der(0x04, page)))
    head = 'Content-Type: multipart/mixed; boundary="b"'
    for pad in range(40, 400, 3):
        outer = f"--b\r\nContent-Type: text/html\r\n\r\n<p>outer{' ' * pad}</p>\r\n--b\r\n" + "\r\n".join(OPAQUE)
        request = read(mail(f"{outer}\r\n\r\n{signed}\r\n--b--\r\n", head))
        assert request.text.split() == ["outer", "inner"]


@given(st.binary(max_size=400), st.integers(0, 400))
@example(_streamed(_ber(0x24, *PIECES)), 80)
def test_no_bytes_break_the_walk_through_a_signature(noise: bytes, cut: int) -> None:
    whole = _streamed(_ber(0x24, *PIECES))
    for data in (noise, whole[:cut], whole[:cut] + noise, _signed(noise), b"\x24\x80" * 100 + noise):
        assert len(smime_opaque.signed_content(data)) <= len(data)


def _record(level: int, number: int, data: bytes) -> bytes:
    head = bytes([level]) + number.to_bytes(2, "little") + b"\x06\x00" + len(data).to_bytes(4, "little")
    return head + data + (sum(data) % 65_536).to_bytes(2, "little")


def _property(number: int, kind: int, data: bytes) -> bytes:
    head = kind.to_bytes(2, "little") + number.to_bytes(2, "little") + b"\x01\x00\x00\x00"
    return head + len(data).to_bytes(4, "little") + data + b"\x00" * (-len(data) % 4)


def _properties(*some: bytes) -> bytes:
    return len(some).to_bytes(4, "little") + b"".join(some)


HEAD = b"\x78\x9f\x3e\x22\x01\x00"
NUMBER = b"\x03\x00\x05\x37\x01\x00\x00\x00"
NAMED = b"\x1f\x00\x01\x80" + b"G" * 16 + b"\x01\x00\x00\x00\x06\x00\x00\x00a\x00b\x00\x00\x00\x00\x00"
NAMED += b"\x01\x00\x00\x00\x02\x00\x00\x00x\x00\x00\x00"
PACKAGE = HEAD + b"".join(
    [
        _record(1, 0x9003, _properties(NUMBER, NAMED, _property(0x1013, 0x102, b"<p>Please <b>read</b> it.</p>"))),
        _record(2, 0x9002, b"\x00" * 14),
        _record(2, 0x8010, b"PLAN~1.PNG\x00"),
        _record(2, 0x800F, b"\x89PNG"),
        _record(2, 0x9005, _properties(NUMBER, _property(0x3707, 0x1F, "Plän ../a.png\0".encode("utf-16-le")))),
        _record(2, 0x9002, b"\x00" * 14),
        _record(
            2,
            0x9005,
            _properties(
                _property(0x3707, 0x1E, b"list.bin\0"),
                _property(0x370E, 0x1E, b"Text/CSV\0"),
                _property(0x3701, 0x102, b"a;b"),
            ),
        ),
    ]
)


def test_the_files_of_a_winmail_dat_are_attachments_with_their_names_and_types() -> None:
    done = read_whole(mail(b64(PACKAGE), "Content-Type: application/ms-tnef", "Content-Transfer-Encoding: base64"))
    assert [(file.name, file.media_type, file.size) for file in done.request.attachments] == [
        ("winmail.dat", "application/ms-tnef", len(PACKAGE)),
        ("a.png", "image/png", 4),
        ("list.bin", "text/csv", 3),
    ]
    assert {data for _, data in done.files} == {PACKAGE, b"\x89PNG", b"a;b"}
    assert done.request.text == "Please read it."


def test_a_package_of_many_files_is_read_up_to_a_limit() -> None:
    many = HEAD + (_record(2, 0x9002, b"") + _record(2, 0x800F, b"x")) * 4_000
    request = read(mail(b64(many), "Content-Type: application/ms-tnef", "Content-Transfer-Encoding: base64"))
    assert len(request.attachments) == 1 + tnef.MAX_FILES


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2),
            st.sampled_from([0x9002, 0x9003, 0x9005, 0x8010, 0x800F, 0x800C, 0x1234]),
            st.binary(max_size=80) | st.binary(max_size=40).map(lambda noise: _properties(NUMBER, NAMED) + noise),
        ),
        max_size=12,
    ),
    st.integers(0, 600),
    st.binary(max_size=20),
)
def test_no_package_breaks_the_reader_or_grows(records: list[tuple[int, int, bytes]], cut: int, noise: bytes) -> None:
    whole = HEAD + b"".join(_record(*record) for record in records)
    for data in (whole, whole[:cut] + noise + whole[cut:], PACKAGE[:cut] + noise, HEAD + noise):
        package = tnef.read(data)
        assert sum(len(file.data) for file in package.files) <= len(data) and len(str(package)) < 1_000_000
    request = read(mail(b64(whole), "Content-Type: application/ms-tnef", "Content-Transfer-Encoding: base64"))
    assert request.attachments[0].name == "winmail.dat"
