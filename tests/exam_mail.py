"""The mail exam's view of the product: `parse(raw)` calls the reader of mail and hands out what the exam asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from desk.mail.inbound_request import AutoKind, Envelope, InboundRequest, Party, Unreadable
from gateway.email.parse.normalise import normalise

_RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)


def parse(raw: bytes) -> dict[str, Any]:
    """The fields of one mail; a mail that is quarantined has none."""
    try:
        request = normalise(raw, Envelope(), "exam", _RECEIVED).request
    except Unreadable:
        return {"subject": "", "text": "", "reply": "", "attachments": [], "auto": False, "bounce": False}
    return _answers(request)


def _answers(request: InboundRequest) -> dict[str, Any]:
    bounce = request.bounce
    return {
        "subject": request.subject,
        "from_": _pair(request.sender),
        "to": [_pair(party) for party in request.to],
        "text": request.text,
        "reply": request.reply,
        "attachments": [(item.name, item.media_type, item.size) for item in request.attachments],
        "auto": request.auto is not AutoKind.BOUNCE and bool(request.no_answer),
        "bounce": bounce is not None,
        "bounce_recipients": list(bounce.recipients) if bounce else [],
        "message_id": request.thread.message_id,
        "in_reply_to": list(request.thread.in_reply_to),
        "references": list(request.thread.references),
    }


def _pair(party: Party) -> tuple[str, str]:
    return (party.name, party.address)
