"""A Slack message or order as an InboundRequest.

A file has a name here and no bytes: a worker fetches it, because Slack does not wait for a download.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from desk.channels import Channel
from desk.mail.inbound_request import Attachment, InboundRequest, Party, ThreadKeys
from desk.slack import orders as slack_orders
from desk.slack.orders import Order, SlackFile
from gateway.slack.messages import SlackMessage
from gateway.slack.mrkdwn import plain_text
from gateway.slack.payload import Payload

SUBJECT_LETTERS = 120
_SECRETS = frozenset({"token", "response_url", "trigger_id"})


def to_request(message: SlackMessage, name: str, now: datetime) -> InboundRequest:
    """The request that a message makes; the same message makes the same key, whichever way it came."""
    text = plain_text(message.whole, message.bot_user)
    return InboundRequest(
        channel=Channel.SLACK,
        source=f"slack:{message.team}",
        external_id=message.external_id,
        content_hash=_content_hash(message),
        received_at=now,
        sender=Party(message.address, message.name or name),
        subject=_subject(message, text),
        text=text,
        reply=text,
        sent_at=_moment(message.ts),
        thread=ThreadKeys(message_id=f"slack:{message.external_id}", conversation=message.conversation),
        attachments=tuple(_attachment(file) for file in message.files),
        fields=_fields(message),
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


def kept_bytes(body: Payload) -> bytes:
    """The body as it is stored, without the secrets that would let somebody act in Slack."""
    return json.dumps({key: value for key, value in body.items() if key not in _SECRETS}).encode()


def _content_hash(message: SlackMessage) -> str:
    parts = (message.team, message.channel, message.ts, message.user, message.text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _subject(message: SlackMessage, text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return f"File: {message.files[0].name or message.files[0].id}" if message.files else "Message in Slack"
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


def _fields(message: SlackMessage) -> tuple[tuple[str, str], ...]:
    if message.opened_by and message.opened_by != message.user:
        return (("opened_by", f"slack:{message.team}:{message.opened_by}"),)
    return ()
