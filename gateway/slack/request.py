"""A Slack message, or an order, as the one request schema.

In: what was said or done, the name if known, the moment. Out: InboundRequest. A file has a name here and no bytes: they
are fetched by a worker, because Slack waits for no download.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from desk.channels import Channel
from desk.mail.inbound_request import Attachment, InboundRequest, Party, ThreadKeys
from desk.slack import orders as slack_orders
from desk.slack.orders import Order, SlackFile
from gateway.slack.mrkdwn import plain_text
from gateway.slack.reading import Said

SUBJECT_LETTERS = 120
_SECRETS = frozenset({"token", "response_url", "trigger_id"})


def to_request(said: Said, name: str, now: datetime) -> InboundRequest:
    """The request that a message makes; the same message makes the same key, whichever way it came."""
    text = plain_text(said.whole, said.bot_user)
    return InboundRequest(
        channel=Channel.SLACK,
        source=f"slack:{said.team}",
        external_id=said.external_id,
        content_hash=_content_hash(said),
        received_at=now,
        sender=Party(said.address, said.name or name),
        subject=_subject(said, text),
        text=text,
        reply=text,
        sent_at=_moment(said.ts),
        thread=ThreadKeys(message_id=f"slack:{said.external_id}", conversation=said.conversation),
        attachments=tuple(_attachment(file) for file in said.files),
        fields=_fields(said),
    )


def to_order_request(order: Order, external_id: str, once: str, name: str, now: datetime) -> InboundRequest:
    """The request that an order makes; `once` is what makes two deliveries the same order."""
    return InboundRequest(
        channel=Channel.SLACK,
        source=f"{slack_orders.SOURCE}{order.team}",
        external_id=external_id,
        content_hash=hashlib.sha256(f"{order.kind}\0{once}".encode("utf-8", "replace")).hexdigest(),
        received_at=now,
        sender=Party(order.account, name),
        thread=ThreadKeys(message_id=f"slack:{external_id}"),
        fields=((slack_orders.FIELD, slack_orders.to_json(order)),),
    )


def kept_bytes(body: Mapping[str, Any]) -> bytes:
    """The body for the record, without what would let somebody act in Slack."""
    return json.dumps({key: value for key, value in body.items() if key not in _SECRETS}).encode()


def _content_hash(said: Said) -> str:
    parts = (said.team, said.channel, said.ts, said.user, said.text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _subject(said: Said, text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return f"File: {said.files[0].name or said.files[0].id}" if said.files else "Message in Slack"
    first = lines[0]
    return first if len(first) <= SUBJECT_LETTERS else first[: SUBJECT_LETTERS - 1].rstrip() + "…"


def _moment(ts: str) -> datetime | None:
    """When Slack took the message; None for a moment that no calendar has."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _attachment(file: SlackFile) -> Attachment:
    """Its id stands where a mail's part has its Content-ID, until the bytes are here."""
    name, kind = file.name or file.id, file.media_type or "application/octet-stream"
    return Attachment(name, kind, file.size, "", f"slack:{file.id}")


def _fields(said: Said) -> tuple[tuple[str, str], ...]:
    if said.opened_by and said.opened_by != said.user:
        return (("opened_by", f"slack:{said.team}:{said.opened_by}"),)
    return ()
