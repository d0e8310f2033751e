"""A file of a stored message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from desk.mail.inbound_request import Attachment


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Its bytes are the blob `sha256` (hex); empty: they are not here, `missing` says why, or they are still fetched.

    `content_id` is its name in the HTML of its mail, `inline` whether it is shown there.
    """

    name: str
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    content_id: str = ""
    inline: bool = False
    missing: str = ""

    @classmethod
    def of_request(cls, file: Attachment) -> StoredFile:
        """A file of an inbound request, as it is kept on the message."""
        return cls(file.name, file.media_type, file.size, file.sha256, file.content_id, file.inline)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> StoredFile:
        return cls(**{"name": ""} | {name: stored[name] for name in _NAMES if stored.get(name) is not None})

    def to_json(self) -> dict[str, Any]:
        """As it is stored and as the JSON API shows it."""
        row = {name: getattr(self, name) for name in _NAMES if name != "missing"}
        return row | ({"missing": self.missing} if self.missing else {})


_NAMES = tuple(each.name for each in fields(StoredFile))
