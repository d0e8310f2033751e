"""Recognises feedback reports (RFC 5965): somebody pressed "this is spam" on a mail of ours.

Nothing is decided by it, because anybody can write such a report.
"""

from __future__ import annotations

import re

from desk.mail.inbound_request import clean_line
from gateway.email.mime import header
from gateway.email.mime.parts import Part, read_header

MAX_REPORT = 20_000
_KIND = re.compile(r"[a-z-]{1,30}")


def reason(root: Part) -> str:
    """Such as "a feedback report: abuse, by kim@example.org, about <id>"; empty for any other mail."""
    report = next((part for part in root.walk() if part.media_type == "message/feedback-report"), None)
    if report is None:
        return ""
    found = header.fields(report.content()[:MAX_REPORT])
    kind = _KIND.match(found.text("feedback-type").lower())
    words = ["a feedback report: " + (kind[0] if kind else "of an unknown kind")]
    recipient = found.text("original-rcpt-to").strip("<> ")
    if "@" in recipient:
        words.append(f"by {recipient[:200]}")
    returned = _returned(root)
    if returned:
        words.append(f"about {returned}")
    return clean_line(", ".join(words))


def _returned(root: Part) -> str:
    """The id of the mail that is complained about."""
    for part in root.walk():
        if part is not root and part.media_type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            ids = header.ids(read_header(part.content()[:MAX_REPORT]).first("message-id"))
            return f"<{ids[0]}>" if ids else ""
    return ""
