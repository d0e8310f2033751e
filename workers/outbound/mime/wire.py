"""Serialises a mail: headers folded and encoded, texts and files in seven bits, parts between boundaries.

RFC 5322 (headers, folding), 2045 and 2046 (parts), 2047 (encoded words), 2231 (file names). The lines end with CRLF and
every relay passes them on unchanged. The standard library parses each header into a tree first, which is four fifths of
the cost of a mail. The caller makes sure that a value is one line without control characters; it is checked once more.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

Header = tuple[str, str]
WIDTH = 78
LONGEST_LINE = 990
# RFC 2047 allows 75; the name of the header stands on the same line.
_ENCODED_WORD = 64 - len("=?utf-8?q??=")
_TOKEN = re.compile(r" *[^ ]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+\Z")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&+,;@^_`{}~ .()'-]{1,60}\Z")
_BREAK = re.compile(r"\r\n|\r|\n")
# What may stand for itself in an encoded word wherever it is, also in a name (RFC 2047 section 5, rule 3).
_Q = {byte: chr(byte) if chr(byte).isalnum() or chr(byte) in "!*+-/" else f"={byte:02X}" for byte in range(128)}
_Q |= {byte: f"={byte:02X}" for byte in range(128, 256)} | {0x20: "_"}


class MultilineValue(ValueError):
    """A header's value is more than one line: it would inject headers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A body with the headers that describe it; `body` is in seven bits, and ends its lines with CRLF."""

    headers: tuple[Header, ...]
    body: bytes


def mail(headers: Iterable[Header], part: Part) -> bytes:
    """The whole mail."""
    return _lines((*headers, ("MIME-Version", "1.0"), *part.headers)) + b"\r\n" + part.body


def text(subtype: str, words: str) -> Part:
    """A text part in UTF-8: as it is where seven bits suffice, else in the shorter of the two encodings."""
    data = "\r\n".join(_BREAK.split(words.rstrip("\n") + "\n")).encode("utf-8", "replace")
    encoding, body = _seven_bits(data)
    kind = ("Content-Type", f'text/{subtype}; charset="utf-8"')
    return Part((kind, ("Content-Transfer-Encoding", encoding)), body)


def file(name: str, media_type: str, data: bytes, *, params: str = "", content_id: str = "") -> Part:
    """A file as its bytes are, in base64; one with a Content-ID stands inside the text."""
    shown = "inline" if content_id else "attachment"
    headers = [
        ("Content-Type", f"{media_type}{params}"),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"{shown};{_file_name(name)}"),
    ]
    if content_id:
        headers.append(("Content-ID", f"<{content_id}>"))
    return Part(tuple(headers), _base64(data))


def multipart(subtype: str, parts: Sequence[Part], unique: str) -> Part:
    """A multipart; `unique` is text that no part can know, so that no part contains the boundary."""
    if len(parts) == 1:
        return parts[0]
    # "=_" stands neither in base64 nor in quoted-printable.
    boundary = f"=_{hashlib.sha256(f'{subtype}:{unique}'.encode()).hexdigest()[:32]}"
    line = f"--{boundary}".encode()
    body = b"".join(line + b"\r\n" + _lines(p.headers) + b"\r\n" + p.body + b"\r\n" for p in parts) + line + b"--\r\n"
    return Part((("Content-Type", f'multipart/{subtype}; boundary="{boundary}"'),), body)


def unstructured(value: str) -> str:
    """A subject or the like: itself, or in encoded words where a mail program could not read it otherwise."""
    if value.isascii() and max(map(len, value.split(" "))) < LONGEST_LINE // 2:
        return value
    return " ".join(_encoded_words(value))


def mailbox(name: str, address: str) -> str:
    """ "Ada Lovelace <ada@example.org>"."""
    local, _, domain = address.rpartition("@")
    if ".." in local or local[:1] == "." or local[-1:] == ".":
        # Some providers gave out addresses whose dots need quotes (RFC 5322 section 3.4.1).
        address = f'"{local}"@{domain}'
    return f"{phrase(name)} <{address}>" if name else address


def phrase(name: str) -> str:
    """A name as it may stand before an address or a group."""
    if not name.isascii():
        return " ".join(_encoded_words(name))
    if _ATOMS.match(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lines(headers: Iterable[Header]) -> bytes:
    return "".join(f"{_folded(name, value)}\r\n" for name, value in headers).encode()


def _folded(name: str, value: str) -> str:
    """One header in lines of at most WIDTH where its spaces allow it; a line break in `value` itself is folding too."""
    whole = f"{name}: {value}"
    if len(whole) <= WIDTH and "\n" not in whole and "\r" not in whole:
        return whole
    lines: list[str] = []
    for token in _tokens(name, value):
        if lines and len(lines[-1]) + len(token) <= WIDTH:
            lines[-1] += token
        else:
            lines.append(token)
    return "\r\n".join(lines)


def _tokens(name: str, value: str) -> Iterator[str]:
    """The name with the first word, then each word with the spaces before it, so that no line is only spaces."""
    if "\r" in value or "\n" in value:
        raise MultilineValue(f"the value of {name} is more than one line")
    words = _TOKEN.findall(value)
    yield f"{name}: {words[0]}" if words else f"{name}:"
    yield from words[1:]


def _encoded_words(value: str) -> Iterator[str]:
    """RFC 2047: words of at most 75 characters that end between characters, in the shorter of both encodings."""
    data = value.encode("utf-8", "replace")
    in_q = sum(map(len, map(_Q.__getitem__, data))) <= len(data) * 4 / 3
    word, size = "", 0
    for sign in value:
        more = len(sign.encode("utf-8", "replace"))
        cost = sum(len(_Q[byte]) for byte in sign.encode("utf-8", "replace")) if in_q else more
        if size + cost > (_ENCODED_WORD if in_q else _ENCODED_WORD // 4 * 3):
            yield _encoded_word(word, in_q=in_q)
            word, size = "", 0
        word, size = word + sign, size + cost
    yield _encoded_word(word, in_q=in_q)


def _encoded_word(word: str, *, in_q: bool) -> str:
    data = word.encode("utf-8", "replace")
    if in_q:
        return f"=?utf-8?q?{''.join(map(_Q.__getitem__, data))}?="
    return f"=?utf-8?b?{b2a_base64(data, newline=False).decode()}?="


def _file_name(name: str) -> str:
    """` filename="a.txt"`, or RFC 2231's pieces for a name that is long or has other letters."""
    if _PLAIN_NAME.match(name):
        return f' filename="{name}"'
    spelled = "utf-8''" + quote(name.encode("utf-8", "replace"), safe="")
    pieces = re.findall(r"(?:%..|[^%]){1,20}", spelled)
    if len(pieces) == 1:
        return f" filename*={spelled}"
    return ";".join(f" filename*{number}*={piece}" for number, piece in enumerate(pieces))


def _seven_bits(data: bytes) -> tuple[str, bytes]:
    """How the bytes travel, and as what."""
    if data.isascii() and max(map(len, data.split(b"\r\n"))) <= LONGEST_LINE:
        return "7bit", data
    in_qp, in_base64 = b2a_qp(data), _base64(data)
    return ("quoted-printable", in_qp) if len(in_qp) <= len(in_base64) else ("base64", in_base64)


def _base64(data: bytes) -> bytes:
    """Lines of 76 characters."""
    return b"".join(b2a_base64(data[at : at + 57], newline=False) + b"\r\n" for at in range(0, len(data), 57))
