"""What is known of a message's sender and of its way here, as it is kept with the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from desk.mail.authentication import Verdict


@dataclass(frozen=True, slots=True)
class MessageTrust:
    """None and empty stand for what is not known; nothing of it is stored."""

    verdict: Verdict | None = None
    """What our mail server says of the sender."""
    sender_strict: bool | None = None
    """Whether the address was written plainly."""
    sender_clear: bool | None = None
    """Whether nobody would take the address for another."""
    unverified: str | None = None
    """Why a mail in an agent's name was not believed; empty: it was."""
    refused: str | None = None
    """Why what an agent asked for was not done."""
    defects: tuple[str, ...] = ()
    """What the reader of the mail remarked."""
    through: str = ""
    """The form, list or device by which it came."""
    way: str = ""
    """The kind of that."""
    reply_to: str = ""
    """Where its sender asks for answers, which go to the sender's own address nevertheless."""
    no_answer: str = ""
    """Why nothing answers it automatically."""
    automatic: bool = False
    """A machine wrote it into a side conversation."""
    withdrawn: str = ""
    """When its author took it back, in ISO 8601."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> MessageTrust:
        values = {name: stored[name] for name in _NAMES if name in stored}
        if "verdict" in values:
            values["verdict"] = Verdict(values["verdict"]) if values["verdict"] in set(Verdict) else None
        if "defects" in values:
            values["defects"] = tuple(map(str, values["defects"]))
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """As it is stored and as the JSON API shows it."""
        given = {name: getattr(self, name) for name in _NAMES}
        row = {name: value for name, value in given.items() if value != _UNKNOWN[name]}
        if self.verdict is not None:
            row["verdict"] = str(self.verdict)
        return row | ({"defects": list(self.defects)} if self.defects else {})

    @property
    def is_clear(self) -> bool:
        """Whether the sender can be written to: nobody would take the address for another."""
        strict = True if self.sender_strict is None else self.sender_strict
        return strict if self.sender_clear is None else self.sender_clear

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return self != UNKNOWN_TRUST


UNKNOWN_TRUST = MessageTrust()
_NAMES = tuple(each.name for each in fields(MessageTrust))
_UNKNOWN = {name: getattr(UNKNOWN_TRUST, name) for name in _NAMES}
