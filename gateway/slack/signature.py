"""Slack's request signature: an HMAC of the body under the app's signing secret, at most 5 minutes old."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

FRESH_SECONDS = 300
_MOST_DIGITS = 12


def is_genuine(secret: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Whether Slack signed exactly this body within the last five minutes. An empty secret proves nothing."""
    if not secret or not _is_fresh(timestamp, now):
        return False
    made = signature_of(secret, timestamp, body)
    # Bytes, because compare_digest refuses text that is not ASCII, and a header may hold any.
    return hmac.compare_digest(made.encode(), signature.encode("utf-8", "replace"))


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """The header X-Slack-Signature for a body that is sent at that moment (Unix seconds)."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        return False
    return abs(now.timestamp() - int(timestamp)) <= FRESH_SECONDS
