"""Splits yEnc files from a text part, in linear time.

A file goes from a line `=ybegin … name=NAME` to a line `=yend`; where that is missing, to the end of the part.
"""

from __future__ import annotations

import re

MOST_FILES = 100

_BEGIN = re.compile(rb"^=ybegin [^\r\n]{0,200}?\bname=([^\r\n]{1,250})\r?\n(?:=ypart [^\r\n]{0,200}\r?\n)?", re.M)
_END = re.compile(rb"^=yend\b[^\r\n]{0,200}\r?\n?", re.M)
_SHIFT = bytes((byte - 42) % 256 for byte in range(256))


def split_yenc(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The text without its files, and (name, bytes) of each file."""
    left: list[bytes] = []
    files: list[tuple[str, bytes]] = []
    at = 0
    for begin in _BEGIN.finditer(data):
        if begin.start() < at or len(files) >= MOST_FILES:
            continue
        end = _END.search(data, begin.end())
        stop = end.start() if end else len(data)
        files.append((begin[1].decode("utf-8", "replace").strip(), _decoded(data[begin.end() : stop])))
        left.append(data[at : begin.start()])
        at = end.end() if end else len(data)
    return b"".join([*left, data[at:]]), files


def _decoded(block: bytes) -> bytes:
    """Each byte less 42; a byte behind an equals sign less 64 more."""
    first, *escaped = block.replace(b"\r", b"").replace(b"\n", b"").split(b"=")
    pieces = [first.translate(_SHIFT)]
    for piece in escaped:
        pieces += [bytes([(byte - 106) % 256 for byte in piece[:1]]), piece[1:].translate(_SHIFT)]
    return b"".join(pieces)
