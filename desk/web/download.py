"""How a file is handed out so that no browser shows or runs it: to be saved, never under its own type.

It takes the name that its sender gave it, and returns headers. It does not know whose file it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

MEDIA_TYPE = "application/octet-stream"
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def headers(name: str) -> Mapping[str, str]:
    """For an answer of the type MEDIA_TYPE."""
    return {
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


def disposition(name: str) -> str:
    """`attachment` with the name twice: for old browsers in ASCII, and whole (RFC 6266, RFC 8187)."""
    plain = _PLAIN.sub("_", name).strip(". ") or "file"
    whole = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"
