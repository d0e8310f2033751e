"""The names in a winmail.dat (MS-OXTNEF), so that an agent sees what Outlook hid in it.

In: its bytes. Out: the names of the files inside and the plain text, if Outlook put one there. The file
itself is kept as it is; nothing is unpacked, and anything that does not fit ends the reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from desk.request import clean_line
from gateway.email import charset

MAX_RECORDS = 5_000
MAX_NAMES = 50
_SIGNATURE = b"\x78\x9f\x3e\x22"
_BODY, _TITLE, _DATA, _PROPERTIES, _NEXT = 0x800C, 0x8010, 0x800F, 0x9005, 0x9002
_LONG_NAME = (b"\x1f\x00\x07\x37", b"\x1e\x00\x07\x37")
"""PR_ATTACH_LONG_FILENAME with its type, as Unicode and as 8-bit text."""


@dataclass(slots=True)
class Package:
    """What stands in a winmail.dat: (name, size) of its files, and its plain text."""

    files: list[tuple[str, int]] = field(default_factory=list)
    text: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{name or 'a file'} ({size} bytes)" for name, size in self.files)


def read(data: bytes) -> Package:
    """The package as far as it can be read."""
    package = Package()
    for number, content in _records(data):
        if number == _NEXT and len(package.files) < MAX_NAMES:
            package.files.append(("", 0))
        elif number == _BODY:
            package.text = charset.guess(content.rstrip(b"\x00"))
        elif package.files:
            package.files[-1] = _file(package.files[-1], number, content)
    return package


def _file(known: tuple[str, int], number: int, content: bytes) -> tuple[str, int]:
    name, size = known
    if number == _DATA:
        return name, len(content)
    if number == _TITLE:
        return name or clean_line(charset.guess(content.split(b"\x00")[0])), size
    return (_long_name(content) or name, size) if number == _PROPERTIES else known


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


def _long_name(properties: bytes) -> str:
    """The long file name among the MAPI properties: tag, count, length, text."""
    for tag in _LONG_NAME:
        at = properties.find(tag, 0, 100_000)
        if at < 0:
            continue
        length = int.from_bytes(properties[at + 8 : at + 12], "little")
        raw = properties[at + 12 : at + 12 + min(length, 1_000)]
        text = raw.decode("utf-16-le", "replace") if tag is _LONG_NAME[0] else charset.guess(raw)
        return clean_line(text.split("\x00")[0])
    return ""
