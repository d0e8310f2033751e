"""The Authentication-Results fields of a mail as our own relay could have written them.

Our relay writes plain text on lines that end with LF or CRLF. A field whose text is encoded, or that stands behind a
bare CR inside another field, came from somebody else. Such a value stays in its place as an empty one, so that it
never makes the field below it the topmost.
"""

from __future__ import annotations

import re

from gateway.email.mime.parts import Part

MAX_FIELDS = 50
MAX_VALUE = 65_536
_NAME = re.compile(rb"authentication-results[ \t]*:", re.IGNORECASE)


def fields(root: Part) -> tuple[str, ...]:
    """The values, topmost first, unfolded."""
    if not root.header.has("authentication-results"):
        return ()
    found: list[bytearray] = []
    inside = False
    for line in root.raw[: root.start].split(b"\n"):
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            if inside:
                found[-1] += line
            continue
        match = _NAME.match(line)
        inside = match is not None
        if match and len(found) == MAX_FIELDS:
            break
        if match:
            found.append(bytearray(line[match.end() :]))
    return tuple(_plain(bytes(value)) for value in found)


def _plain(value: bytes) -> str:
    if len(value) > MAX_VALUE or b"=?" in value or b"\r" in value or not value.isascii():
        return ""
    return " ".join(value.decode("ascii").split())
