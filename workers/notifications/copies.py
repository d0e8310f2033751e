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


def split_by_recipient(messages: Iterable[OutboundMessage]) -> list[OutboundMessage]:
    """The same messages, those to several recipients once for each."""
    return [row for message in messages for row in _rows(message)]


def _rows(message: OutboundMessage) -> list[OutboundMessage]:
    copies = [address for address in dict.fromkeys(message.content.get("cc", ())) if address != message.recipient]
    if message.transport != Transport.MAIL or message.kind not in _SPLIT or not copies:
        return [message]
    content = dict(message.content) | {"to": message.recipient, "alone": True}
    first = replace(message, content=content)
    rest = replace(first, kind=KIND, state=OutboundState.QUEUED, reason="")
    return [
        first,
        *(replace(rest, recipient=address, dedupe_key=f"{message.dedupe_key}:{address}") for address in copies),
    ]
