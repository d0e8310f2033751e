"""Reads the JSON in which mail services tell by mail what became of one of ours: Amazon SES, SendGrid…

Only a text that begins with JSON is one: whoever writes about such a notification puts words before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST, MOST_CHARACTERS = 100, 200_000
_ADDRESS = re.compile(r"[^\s<>\"(),;:\[\]@]{1,128}@[^\s<>\"(),;:\[\]@]{1,250}")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SPACES = re.compile(r"[\s_.-]+")


class NoticeKind(StrEnum):
    """What a service says of a mail."""

    FAILED = "failed"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One notification."""

    kind: NoticeKind
    recipients: tuple[str, ...]
    status: str = ""
    diagnostic: str = ""
    original_message_id: str = ""


_KINDS = {
    **dict.fromkeys(
        (
            "bounce", "bounced", "hardbounce", "hard", "blocked", "block", "dropped", "failed", "failure",
            "permanentfail",
            "reject", "rejected", "invalid", "invalidemail", "error", "outofband", "policyrejection", "badmailbox",
            "bademailaddress", "emailbounced", "messagebounced", "undeliverable", "renderingfailure",
            "spambounce", "invalidrecipient", "suppressed", "emailfailed", "dnserror", "virusnotification",
        ),
        NoticeKind.FAILED,
    ),
    **dict.fromkeys(
        (
            "softbounce", "soft", "deferred", "deliverydelay", "delay", "delayed", "temporary", "temporaryfail",
            "transient",
            "emaildeliverydelayed", "messagedelayed",
        ),
        NoticeKind.DELAYED,
    ),
    **dict.fromkeys(
        (
            "complaint", "complained", "spamreport", "spamcomplaint", "spam", "abuse", "emailcomplained",
            "spamnotification",
        ),
        NoticeKind.COMPLAINT,
    ),
    **dict.fromkeys(
        ("delivery", "delivered", "send", "sent", "processed", "accepted", "injection", "emaildelivered", "emailsent"),
        NoticeKind.ARRIVED,
    ),
}  # fmt: skip
_NAMES = (
    ("notificationType",), ("eventType",), ("event-data", "event"), ("msys", "message_event", "type"), ("RecordType",),
    ("event",), ("type",), ("Type",), ("status",), ("event_type",),
)  # fmt: skip
_HARDNESS = (
    ("bounce", "bounceType"), ("event-data", "severity"), ("Type",), ("severity",), ("bounce_type",),
    ("data", "bounce", "type"),
)  # fmt: skip
_PEOPLE = (
    ("bounce", "bouncedRecipients"), ("complaint", "complainedRecipients"), ("deliveryDelay", "delayedRecipients"),
    ("delivery", "recipients"), ("event-data", "recipient"), ("msys", "message_event", "rcpt_to"), ("Email",),
    ("Recipient",), ("msg", "email"), ("recipient",), ("rcpt_to",), ("email",), ("data", "to"), ("to",),
    ("mail", "destination"),
)  # fmt: skip
_REASONS = (
    ("bounce", "bouncedRecipients"), ("event-data", "delivery-status"), ("msys", "message_event"), ("msg",),
    ("deliveryDelay", "delayedRecipients"), ("data", "bounce"), (),
)  # fmt: skip
_WHY = (
    "diagnosticCode",
    "message",
    "description",
    "raw_reason",
    "reason",
    "response",
    "diag",
    "Details",
    "Description",
    "error",
)
_IDS = (
    ("mail", "commonHeaders", "messageId"), ("event-data", "message", "headers", "message-id"), ("smtp-id",),
    ("message-id",), ("Message-Id",), ("headers", "message-id"),
)  # fmt: skip


def read(text: str) -> ServiceEvent | None:
    """The event that a text tells of; None where it is no such notification."""
    for value in _values(text):
        event = _event(value)
        if event is not None:
            return event
    return None


def _values(text: str) -> Iterator[object]:
    shown = text.lstrip("\ufeff \t\r\n")
    if not shown.startswith(("{", "[")) or len(shown) > MOST_CHARACTERS:
        return
    value = _decoded(shown)
    for each in value[:MOST] if isinstance(value, list) else [value]:
        inner = _text(each, "Message").lstrip()
        yield _decoded(inner) if inner.startswith("{") else each


def _decoded(text: str) -> object:
    try:
        # Lines that a mail server wrapped leave line ends inside of strings.
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _event(value: object) -> ServiceEvent | None:
    kind = next((kind for path in _NAMES if (kind := _kind(_text(value, *path))) is not None), None)
    recipients = next((people for path in _PEOPLE if (people := tuple(_addresses(_at(value, *path))))), ())
    if kind is None or not recipients:
        return None
    if kind is NoticeKind.FAILED:
        kind = next((hard for path in _HARDNESS if (hard := _kind(_text(value, *path))) is NoticeKind.DELAYED), kind)
    why = next((why for path in _REASONS for name in _WHY if (why := _text(_first(_at(value, *path)), name))), "")
    status = next((one for path in _REASONS if (one := _text(_first(_at(value, *path)), "status"))), "")
    numbers = _STATUS.findall(f"{status} {why}")
    name = next((one for path in _IDS if (one := _text(value, *path))), "")
    return ServiceEvent(kind, recipients[:MOST], numbers[0] if numbers else "", why, name.strip("<> "))


def _kind(word: str) -> NoticeKind | None:
    return _KINDS.get(_SPACES.sub("", word.casefold()))


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _addresses(value: object) -> Iterator[str]:
    for each in value[:MOST] if isinstance(value, list) else [value]:
        match = _ADDRESS.search(each if isinstance(each, str) else _text(each, "emailAddress") or _text(each, "email"))
        if match:
            yield match[0].lower()


def _at(value: object, *path: str) -> object:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: object, *path: str) -> str:
    reached = _at(value, *path)
    return reached if isinstance(reached, str) else ""
