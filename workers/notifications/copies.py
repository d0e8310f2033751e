"""Splits an outbound mail with people in copy into one row for each recipient, so that each is delivered on its own.

All rows have the same Message-ID and header and differ in their envelope. Without a relay one captured mail stands for
all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from desk.mail.content import MailContent
from desk.mail.states import OutboundKind, OutboundState
from storage.mail.outbound_message import OutboundMessage

KIND = OutboundKind.COPY
_SPLIT = (OutboundKind.REPLY, OutboundKind.SIDE)


def split_by_recipient(messages: Iterable[OutboundMessage]) -> list[OutboundMessage]:
    """The same messages, those to several recipients once for each."""
    return [row for message in messages for row in _rows(message)]


def _rows(message: OutboundMessage) -> list[OutboundMessage]:
    content = message.content
    if not isinstance(content, MailContent) or message.kind not in _SPLIT:
        return [message]
    copies = [address for address in dict.fromkeys(content.cc) if address != message.recipient]
    if not copies:
        return [message]
    first = replace(message, content=replace(content, to=message.recipient, alone=True))
    rest = replace(first, kind=KIND, state=OutboundState.QUEUED, reason="")
    return [
        first,
        *(replace(rest, recipient=address, dedupe_key=f"{message.dedupe_key}:{address}") for address in copies),
    ]
