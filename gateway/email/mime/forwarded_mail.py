"""Finds the original sender of a mail that was forwarded.

The result is as credible as the person who forwards, which is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from desk.mail import line_kinds
from desk.mail.inbound_request import Party
from desk.mail.reply_lines.header_blocks import header_label
from gateway.email.mime import addresses
from gateway.email.mime.parts import Part, read_header

MAX_LINES = 400


def original_sender(text: str, files: Sequence[Part], *, titled: bool) -> Party | None:
    """The sender of the one mail that is passed on inline or as the only attached mail.

    `titled` says that the subject calls it passed on; then the block of an earlier mail is enough.
    """
    mails = [part for part in files if part.media_type == "message/rfc822"]
    if len(mails) == 1 and len(text) < 4_000:
        found = _party(read_header(mails[0].content()).all("from"))
        if found:
            return found
    return _inline(text, titled=titled)


def _inline(text: str, *, titled: bool) -> Party | None:
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    if not titled and not any(map(line_kinds.is_forward_mark, lines)):
        return None
    letters = line_kinds.letters([line.lstrip("> ") for line in lines])
    at = letters.find(line_kinds.FORWARD)
    if at < 0 and titled:
        at = min((found for mark in "oh" if (found := letters.find(mark)) >= 0), default=-1)
    if at < 0:
        return None
    for line in lines[at : at + 12]:
        label = header_label(line.lstrip("> "))
        if label and label[0] == "from":
            return _party([label[1].encode("utf-8", "replace")])
    return None


def _party(values: list[bytes]) -> Party | None:
    value = values[0].replace(b"[mailto:", b"<").replace(b"]", b">") if values else b""
    box, _ = addresses.sender([value])
    return box.party() if "@" in box.address else None
