"""What Slack sends as JSON, and the two ways to read a part of it that may be missing or of another type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Payload = Mapping[str, Any]
"""A JSON object as Slack made it. Nothing of it is believed before it was read into a dataclass."""


def text_of(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def mapping_of(payload: Payload, key: str) -> Payload:
    value = payload.get(key)
    return value if isinstance(value, Mapping) else {}
