"""The hash that tells whether two mails are the same mail, whichever way they came.

Over Message-ID, From, Date, Subject and the body without carriage returns and without empty lines at its end; trace
fields (Received, Delivered-To, Authentication-Results, ...) differ by way and are left out.
"""

from __future__ import annotations

import hashlib

from gateway.email.mime.header import Header

_FIELDS = ("message-id", "from", "date", "subject")


def content_hash(found: Header, raw: bytes, body_start: int) -> str:
    """The SHA-256 (hex) of what was written, not of how it travelled."""
    digest = hashlib.sha256()
    for name in _FIELDS:
        for value in found.all(name):
            digest.update(name.encode() + b":" + b" ".join(value.split()) + b"\n")
    # To take out one byte costs a tenth of turning CR LF into LF, and no two mails differ by a bare CR alone.
    body = raw[body_start:].replace(b"\r", b"")
    digest.update(b"\n" + body.rstrip(b"\n\r \t"))
    return digest.hexdigest()
