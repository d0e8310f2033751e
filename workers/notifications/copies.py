"""Splits an outbound mail with people in copy into one row for each recipient, so that each is delivered on its own.

All rows have the same Message-ID and header and differ in their envelope. Without a relay one captured mail stands for
all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from desk.channels import Transport
from desk.mail.states import OutboundKind, OutboundState
from storage.mail.outbound import OutboundMessage

KIND = OutboundKind.COPY
_SPLIT = (OutboundKind.REPLY, OutboundKind.SIDE)


def split_by_recipient(letters: Iterable[OutboundMessage]) -> list[OutboundMessage]:
    """The same mails, those to several recipients once for each."""
    return [row for letter in letters for row in _rows(letter)]


def _rows(letter: OutboundMessage) -> list[OutboundMessage]:
    copies = [one for one in dict.fromkeys(letter.content.get("cc", ())) if one != letter.recipient]
    if letter.transport != Transport.MAIL or letter.kind not in _SPLIT or not copies:
        return [letter]
    content = dict(letter.content) | {"to": letter.recipient, "alone": True}
    first = replace(letter, content=content)
    rest = replace(first, kind=KIND, state=OutboundState.QUEUED, reason="")
    return [first, *(replace(rest, recipient=one, dedupe_key=f"{letter.dedupe_key}:{one}") for one in copies)]
