"""Mail header fields: bytes in, plain values out, in linear time and with caps, whatever the bytes are.

It splits a header block into fields, decodes encoded words and raw 8-bit text (`text`), parameters with RFC 2231
(`parameters`), message ids with the quirks of real programs (`ids`) and dates (`date`). It knows nothing of bodies,
addresses or what a field means to the desk. The stdlib parsers are not used here: several take seconds on hostile
fields.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from gateway.email.mime import charset

MAX_VALUE = 65_536
"""Bytes of one field that are read; the rest of a longer one is ignored."""
MAX_PARAMETER_BYTES = 16_384
MAX_IDS = 1_000

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_LINE_ENDS = re.compile(rb"\r*\n|\r")
_ENCODED_WORD = re.compile(rb"=\?([\w.:+*/-]{1,60})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,2000})\?=")
_PARAMETER = re.compile(
    r'([\w.*-]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^;\s"]+(?:[ \t]+[^;\s"=]+(?=[\s;]|$))*))', re.S
)
_ID = re.compile(r"<([^<>]{1,998})>")
_BARE_ID = re.compile(r"[^\s<>@,;\"]{1,250}@[^\s<>@,;\"]{1,250}")
_SPACE = re.compile(r"\s+")
_BASE64_REST = re.compile(rb"={1,2}[ \t]*(?:\r*\n)+[A-Za-z0-9+/\r\n=]{16,}")


class Header:
    """The fields of one header block; names are lower case, values are the unfolded bytes."""

    __slots__ = ("_first", "fields")

    def __init__(self, fields: list[tuple[str, bytes]]) -> None:
        self.fields = fields
        self._first: dict[str, bytes] = {}
        for name, value in fields:
            self._first.setdefault(name, value)

    def first(self, name: str) -> bytes:
        return self._first.get(name, b"")

    def has(self, name: str) -> bool:
        return name in self._first

    def all(self, name: str) -> list[bytes]:
        if name not in self._first:
            return []
        return [value for field, value in self.fields if field == name]

    def text(self, name: str) -> str:
        return text(self._first[name]) if name in self._first else ""


def lines(block: bytes) -> list[bytes]:
    """The lines of a block with any of the three line ends."""
    if b"\r" not in block:
        return block.split(b"\n")
    return _LINE_ENDS.split(block)


def fields(block: bytes) -> Header:
    """The fields of a header block. A line that is neither a field nor a continuation is left out."""
    found: list[tuple[str, list[bytes]]] = []
    for line in lines(block):
        if line[:1] in (b" ", b"\t"):
            if found:
                found[-1][1].append(line)
            continue
        match = _FIELD.match(line)
        if match:
            found.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
    return Header([(name, b"".join(pieces).strip()) for name, pieces in found])


def is_field(line: bytes) -> bool:
    """Whether a line opens a header field."""
    return _FIELD.match(line) is not None


def text(value: bytes) -> str:
    """The readable text of a field: encoded words decoded, raw 8-bit text guessed, one line."""
    value = value[:MAX_VALUE]
    if b"=?" not in value:
        return _one_line(charset.guess(value))
    return _one_line("".join(_pieces(value)))


def _one_line(value: str) -> str:
    return value.strip() if value.isprintable() else _SPACE.sub(" ", value).strip()


def _pieces(value: bytes) -> Iterator[str]:
    end = 0
    word_charset, word = "", b""
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        glued = bool(word_charset) and not between.strip(b" \t")
        name = match[1].split(b"*")[0].decode("ascii").lower()
        if not (glued and name == word_charset):
            yield charset.decode(word, word_charset)
            word_charset, word = name, b""
            yield "" if glued else charset.guess(between)
        word += _decoded_word(match[2], match[3])
        end = match.end()
    yield charset.decode(word, word_charset)
    yield charset.guess(value[end:])


def _decoded_word(encoding: bytes, payload: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(payload.replace(b" ", b"_"), header=True)
    return base64_bytes(payload)


def base64_bytes(data: bytes) -> bytes:
    """Base64 decoded as far as it goes: foreign characters and a broken end are skipped."""
    padding = data.find(b"=", 0, -4)
    if padding >= 0 and _BASE64_REST.fullmatch(data, padding):
        # Several encoded blocks in a row, as some programs write them; anything else after the padding is no data.
        return b"".join(base64_bytes(piece) for piece in data.split(b"=") if piece.strip())
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        clean = bytes(byte for byte in data if byte in _BASE64)
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """A field such as Content-Type: its first word in lower case, and its parameters (RFC 2231 joined and decoded)."""
    if not value:
        return "", {}
    source = charset.guess(value[:MAX_PARAMETER_BYTES])
    kind = _first_word(source)
    if "=" not in source:
        return kind, {}
    plain: dict[str, str] = {}
    split: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in _PARAMETER.finditer(source):
        name = match[1].lower()
        content = match[2].replace("\\\\", "\\").replace('\\"', '"') if match[2] is not None else match[3] or ""
        if "*" in name:
            _keep_piece(split, name, content)
        else:
            plain.setdefault(name, content.strip())
    for name, pieces in split.items():
        plain[name] = _joined(pieces)
    return kind, plain


def _first_word(source: str) -> str:
    word = source.split(";", 1)[0].strip().lower()
    return word.split()[0] if word else ""


def _keep_piece(split: dict[str, dict[int, tuple[bool, str]]], name: str, content: str) -> None:
    base, _, rest = name.partition("*")
    encoded = rest.endswith("*") or not rest
    number = rest.rstrip("*")
    if not number or (number.isascii() and number.isdigit() and len(number) < 6):
        split.setdefault(base, {}).setdefault(int(number or 0), (encoded, content))


def _joined(pieces: dict[int, tuple[bool, str]]) -> str:
    ordered = [pieces[key] for key in sorted(pieces)]
    name, data = "", b""
    for index, (encoded, content) in enumerate(ordered):
        if encoded and index == 0 and content.count("'") >= 2:
            name, _, content = content.split("'", 2)
        raw = content.encode("utf-8", "replace")
        data += unquote_to_bytes(raw) if encoded else raw
    return charset.decode(data, name)


def word_text(value: str) -> str:
    """A parameter that wrongly carries encoded words, as many programs write file names."""
    return text(value.encode("utf-8", "replace")) if "=?" in value else value


def ids(value: bytes) -> tuple[str, ...]:
    """Message ids without angle brackets, in order, each once: glued, folded, in commas, in encoded words."""
    source = text(value)
    if "&lt;" in source:
        source = source.replace("&lt;", "<").replace("&gt;", ">")
    if "<" in source:
        found = ["".join(part.split()) for part in _ID.findall(source)]
        found = [part for part in found if part]
        if found:
            return tuple(dict.fromkeys(found))[-MAX_IDS:]
    return tuple(dict.fromkeys(_BARE_ID.findall(source)))[-MAX_IDS:]


def date(value: bytes) -> datetime | None:
    """The moment of a Date field in UTC, or None where it is not one."""
    source = text(value[:200])
    if not source:
        return None
    try:
        moment = parsedate_to_datetime(source)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
