"""The envelope sender of fetched mail, from the Return-Path that the last server wrote (RFC 5321 section 4.4).

It proves nothing.
"""

from __future__ import annotations

import re

_HEADER_BYTES = 64 * 1024
_RETURN_PATH = re.compile(rb"^return-path[ \t]*:[ \t]*<?([^\s<>]{3,320})>?[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")


def return_path(raw: bytes) -> str:
    """The address of the first Return-Path in the header."""
    beginning = raw[:_HEADER_BYTES]
    end = _HEADER_END.search(beginning)
    found = _RETURN_PATH.search(beginning, 0, end.start() + 1 if end else len(beginning))
    address = found[1].decode("ascii", "replace") if found else ""
    return address.lower() if "@" in address and address.isprintable() else ""
