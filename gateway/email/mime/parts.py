"""Parses a mail into a tree of parts that refer to their bytes; a mail that passes a limit is refused at once.

Own code instead of the stdlib's parser: it works on offsets into the bytes, so nothing is copied until it is needed, an
attached mail keeps its exact bytes, and the limits hold while it parses and not after. Charsets and HTML are handled
elsewhere.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp, a2b_uu
from collections.abc import Iterator
from dataclasses import dataclass, field

from desk.mail.inbound_request import Unreadable
from gateway.email.mime import header
from gateway.email.mime.header import Header

MAX_HEADER_BYTES = 524_288
MAX_FIELDS = 2_000
MAX_PARTS = 1_000
MAX_DEPTH = 50
MAX_SCAN = 30
"""How many times the size of the mail may be searched for boundaries: deep nesting of large parts ends here."""

_HEADER_END = re.compile(rb"\n\r*\n")
_CR_HEADER_END = re.compile(rb"\r\r")
_BLANK_START = re.compile(rb"(?:\r*\n|\r)")
_MBOX_LINE = re.compile(rb">?From [^\r\n]{0,300}\r*\n")
_BOUNDARY_TAIL = re.compile(rb"(--)?[ \t]*(?:\r*\n|\r|\Z)")
_QUOTED_PRINTABLE = frozenset({
    "quoted-printable", "quoted printable", "quoted_printable", "quotedprintable", "quoted-printeable", "qp",
})  # fmt: skip
_TOP_JUNK = b"\r\n"


@dataclass(slots=True)
class Part:
    """One part: its header, its type, and where its body is. A multipart has children and no content of its own."""

    raw: bytes
    header: Header
    start: int
    end: int
    media_type: str = "text/plain"
    params: dict[str, str] = field(default_factory=dict)
    children: list[Part] = field(default_factory=list)

    @property
    def main(self) -> str:
        return self.media_type.partition("/")[0]

    def disposition(self) -> tuple[str, dict[str, str]]:
        return header.parameters(self.header.first("content-disposition"))

    def content(self) -> bytes:
        """The body with its transfer encoding undone, as far as that goes."""
        data = self.raw[self.start : self.end]
        encoding = _encoding(self.header.first("content-transfer-encoding"))
        if encoding == "base64":
            return header.base64_bytes(data)
        if encoding in _QUOTED_PRINTABLE:
            return a2b_qp(data)
        if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
            return _uudecoded(data)
        return data

    def is_broken_base64(self) -> bool:
        """Whether the body is no clean base64 although the header says that it is."""
        if _encoding(self.header.first("content-transfer-encoding")) != "base64":
            return False
        start = b"".join(self.raw[self.start : min(self.end, self.start + 4_096)].split())[:2_048]
        try:
            a2b_base64(start, strict_mode=True)
        except BinasciiError:
            return True
        return False

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of the mail."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


class _Budget:
    """What is left of the limits while one mail is parsed."""

    __slots__ = ("bytes", "parts")

    def __init__(self, size: int) -> None:
        self.parts = MAX_PARTS
        self.bytes = MAX_SCAN * size + 1_000_000

    def spend(self, size: int) -> None:
        self.parts -= 1
        self.bytes -= size
        if self.parts < 0:
            raise Unreadable(f"more than {MAX_PARTS} parts")
        if self.bytes < 0:
            raise Unreadable("large parts nested too deep")


def parse(raw: bytes) -> Part:
    """The mail as a tree. Raises Unreadable where a limit is passed; any other bytes make some tree."""
    start = _first_line(raw)
    return _part(raw, start, len(raw), 0, _Budget(len(raw)), "text/plain")


def read_header(data: bytes) -> Header:
    """Only the header of a mail, such as one that is attached or returned."""
    start = _first_line(data)
    end, _ = _split(data, start, min(len(data), start + MAX_HEADER_BYTES))
    return header.fields(data[start:end])


def _first_line(raw: bytes) -> int:
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw[start : start + 1] in (b"\r", b"\n") and start < 100:
        start += 1
    match = _MBOX_LINE.match(raw, start)
    return match.end() if match else start


def _split(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header ends and where the body begins."""
    blank = _BLANK_START.match(raw, start, end)
    if blank:
        return start, blank.end()
    match = _HEADER_END.search(raw, start, end)
    if not match and raw.find(b"\n", start, end) < 0:
        match = _CR_HEADER_END.search(raw, start, end)
    return (match.start() + 1, match.end()) if match else (end, end)


def _part(raw: bytes, start: int, end: int, depth: int, budget: _Budget, default: str) -> Part:
    budget.spend(end - start)
    if depth > MAX_DEPTH:
        raise Unreadable(f"nested deeper than {MAX_DEPTH}")
    header_end, body = _split(raw, start, end)
    if header_end - start > MAX_HEADER_BYTES:
        raise Unreadable(f"header larger than {MAX_HEADER_BYTES} bytes")
    block = raw[start:header_end]
    if _has_no_header(block):
        return Part(raw, Header([]), start, end, default)
    if depth:
        block, body = _up_to_junk(block, start, body)
    elif body >= end and header_end == end:
        block, body = _without_words(block, start, body)
    found = header.fields(block)
    if len(found.fields) > MAX_FIELDS:
        raise Unreadable(f"more than {MAX_FIELDS} header fields")
    part = Part(raw, found, body, end)
    part.media_type, part.params = _type(found, default)
    if part.media_type.startswith("multipart/"):
        _split_children(part, depth, budget)
    return part


def _has_no_header(block: bytes) -> bool:
    first = block.split(b"\n", 1)[0]
    return (
        bool(first.strip())
        and first[:1] not in (b" ", b"\t")
        and not any(map(header.is_field, header.lines(block)[:20]))
    )


def _up_to_junk(block: bytes, start: int, body: int) -> tuple[bytes, int]:
    """In a part, a line that is no field is the first line of a body whose blank line was forgotten."""
    at = 0
    for line in block.splitlines(keepends=True):
        if line.strip() and line[:1] not in (b" ", b"\t") and not header.is_field(line):
            return block[:at], start + at
        at += len(line)
    return block, body


def _without_words(block: bytes, start: int, body: int) -> tuple[bytes, int]:
    """In a mail without any empty line, what stands behind the last field is its text."""
    lines = block.splitlines(keepends=True)
    last = max((at for at, line in enumerate(lines) if header.is_field(line)), default=-1)
    words = next((at for at in range(last + 1, len(lines)) if lines[at][:1] not in b" \t\r\n"), len(lines))
    size = sum(map(len, lines[:words]))
    return (block[:size], start + size) if words < len(lines) else (block, body)


def _type(found: Header, default: str) -> tuple[str, dict[str, str]]:
    media_type, params = header.parameters(found.first("content-type"))
    main, _, sub = media_type.partition("/")
    if main == "text" and not sub:
        return "text/plain", params
    return (media_type if main and sub and len(media_type) < 128 else default), params


def _split_children(part: Part, depth: int, budget: _Budget) -> None:
    boundary = part.params.get("boundary", "").rstrip()[:256].encode("utf-8", "replace")
    default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    if boundary:
        for start, end in _pieces(part.raw, part.start, part.end, b"--" + boundary, budget.parts):
            part.children.append(_part(part.raw, start, end, depth + 1, budget, default))
    if not part.children:
        part.media_type = "text/plain"


def _pieces(raw: bytes, start: int, end: int, mark: bytes, most: int) -> list[tuple[int, int]]:
    """Where the pieces between boundary lines are; a missing last boundary ends with the enclosing part."""
    found: list[tuple[int, int]] = []
    opened = -1
    at = raw.find(mark, start, end)
    while at >= 0:
        tail = _BOUNDARY_TAIL.match(raw, at + len(mark), end)
        if not tail or not (at == start or raw[at - 1] in _TOP_JUNK):
            at = raw.find(mark, at + len(mark), end)
            continue
        if opened >= 0:
            found.append((opened, max(opened, _before_line_end(raw, at))))
            if len(found) > most:
                raise Unreadable(f"more than {MAX_PARTS} parts")
        if tail[1]:
            return found
        opened = tail.end()
        at = raw.find(mark, opened, end)
    if opened >= 0:
        found.append((opened, _without_last_mark(raw, opened, end, mark + b"--")))
    return found


def _without_last_mark(raw: bytes, start: int, end: int, mark: bytes) -> int:
    """The end of a last part whose closing boundary does not stand at the start of a line."""
    tail = raw[max(start, end - len(mark) - 8) : end].rstrip()
    return end - len(raw[start:end]) + len(raw[start:end].rstrip()) - len(mark) if tail.endswith(mark) else end


def _before_line_end(raw: bytes, at: int) -> int:
    if raw[at - 1 : at] == b"\n":
        at -= 1
        return at - 1 if raw[at - 1 : at] == b"\r" else at
    return at - 1


def _encoding(value: bytes) -> str:
    if not value:
        return ""
    return value.split(b";", 1)[0].split(b"(", 1)[0].strip(b" \t\"'").decode("ascii", "replace").lower()


def _uudecoded(data: bytes) -> bytes:
    """Uuencoded lines decoded; the `begin` and `end` lines and broken lines are skipped."""
    out: list[bytes] = []
    for line in header.lines(data):
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            out.append(a2b_uu(line))
        except BinasciiError:
            # Some programs count the bytes of a line wrongly; the count that its length allows is right.
            out.append(_uu_line(line))
    return b"".join(out)


def _uu_line(line: bytes) -> bytes:
    length = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return a2b_uu(line[:length])
    except BinasciiError:
        return b""
