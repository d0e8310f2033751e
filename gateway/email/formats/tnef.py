"""Reads a winmail.dat (MS-OXTNEF): the files, the plain text and the HTML that Outlook put into it.

The winmail.dat itself is kept as it is; reading ends at the first record that does not fit. A mail inside it and
compressed RTF are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from desk.mail.inbound_request import clean_line
from gateway.email.mime import charset

MAX_RECORDS = 5_000
MAX_FILES = 50
MAX_PROPERTIES = 2_000
MAX_VALUES = 100
_SIGNATURE = b"\x78\x9f\x3e\x22"
_TEXT, _TITLE, _DATA, _ABOUT_FILE, _ABOUT_MAIL, _NEXT = 0x800C, 0x8010, 0x800F, 0x9005, 0x9003, 0x9002
_BODY, _HTML = 0x1000, 0x1013
_LONG_NAME, _SHORT_NAME, _MEDIA_TYPE, _CONTENT_ID, _CONTENT = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701
_UNICODE, _BYTES = 0x1F, 0x102
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARYING = frozenset({0x0D, 0x1E, _UNICODE, _BYTES})
_SEVERAL = 0x1000


@dataclass(slots=True)
class Packed:
    """One file inside; its name and type are the sender's claims."""

    name: str = ""
    media_type: str = ""
    content_id: str = ""
    data: bytes = b""


@dataclass(slots=True)
class Package:
    """What stands in a winmail.dat: its files, its plain text, its HTML."""

    files: list[Packed] = field(default_factory=list)
    text: str = ""
    html: bytes = b""

    def __str__(self) -> str:
        return ", ".join(f"{one.name or 'a file'} ({len(one.data)} bytes)" for one in self.files)


def read(data: bytes) -> Package:
    """The package as far as it can be read."""
    package = Package()
    for number, content in _records(data):
        if number == _NEXT:
            if len(package.files) == MAX_FILES:
                break
            package.files.append(Packed())
        elif number == _TEXT:
            package.text = charset.guess(content.rstrip(b"\x00"))
        elif number == _ABOUT_MAIL:
            _read_mail(package, content)
        elif package.files:
            _read_file(package.files[-1], number, content)
    return package


def _read_mail(package: Package, content: bytes) -> None:
    for number, kind, value in _properties(content):
        if number == _BODY and not package.text:
            package.text = _text(kind, value)
        elif number == _HTML:
            package.html = _text(kind, value).encode() if kind == _UNICODE else value


def _read_file(file: Packed, number: int, content: bytes) -> None:
    if number == _DATA:
        file.data = content
    elif number == _TITLE:
        file.name = file.name or clean_line(charset.guess(content.split(b"\x00")[0][:1_000]))
    elif number == _ABOUT_FILE:
        for about, kind, value in _properties(content):
            _read_property(file, about, kind, value)


def _read_property(file: Packed, about: int, kind: int, value: bytes) -> None:
    if about == _CONTENT and kind == _BYTES:
        file.data = file.data or value
    elif about == _LONG_NAME or (about == _SHORT_NAME and not file.name):
        file.name = _line(kind, value) or file.name
    elif about == _MEDIA_TYPE:
        file.media_type = _line(kind, value).lower()
    elif about == _CONTENT_ID:
        file.content_id = _line(kind, value).strip("<> ")[:200]


def _line(kind: int, value: bytes) -> str:
    return clean_line(_text(kind, value[:1_000]))


def _text(kind: int, value: bytes) -> str:
    text = value.decode("utf-16-le", "replace") if kind == _UNICODE else charset.guess(value)
    return text.split("\x00")[0]


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(attribute, content) of each record: level, attribute and type, length, content, checksum."""
    if not data.startswith(_SIGNATURE):
        return
    at = 6
    for _ in range(MAX_RECORDS):
        length = int.from_bytes(data[at + 5 : at + 9], "little")
        end = at + 9 + length
        if data[at : at + 1] not in (b"\x01", b"\x02") or end > len(data):
            return
        yield int.from_bytes(data[at + 1 : at + 3], "little"), data[at + 9 : end]
        at = end + 2


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(number, kind, value) of each MAPI property with one value of varying length; the others are stepped over."""
    at = 4
    for _ in range(min(_number(data, 0), MAX_PROPERTIES)):
        kind, number = _number(data, at) & 0xFFFF, _number(data, at) >> 16
        at = _after_name(data, at + 4) if number >= 0x8000 else at + 4
        several, kind = kind & _SEVERAL, kind & ~_SEVERAL
        count, at = (_number(data, at), at + 4) if several or kind in _VARYING else (1, at)
        if kind in _FIXED:
            at += _FIXED[kind] * count
        elif kind not in _VARYING or count > MAX_VALUES:
            return
        else:
            for _ in range(count):
                length = _number(data, at)
                if not several:
                    yield number, kind, data[at + 4 : at + 4 + length]
                at += 4 + _padded(length)
        if at > len(data):
            return


def _after_name(data: bytes, at: int) -> int:
    """Behind the name of a named property: a GUID, then a number or a text."""
    return at + 24 + (_padded(_number(data, at + 20)) if _number(data, at + 16) else 0)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
