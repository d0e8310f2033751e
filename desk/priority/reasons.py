"""Why a ticket has its priority: impact, urgency and the reasons in words, as they are kept with the ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.text import stored_record

BY_AGENT = "agent"


@dataclass(frozen=True, slots=True)
class PriorityReasons:
    """Empty where nothing is known: tickets of earlier releases, and erased ones."""

    impact: str = ""
    urgency: str = ""
    reasons: tuple[str, ...] = ()
    set_by: str = ""
    """BY_AGENT: an agent has set the priority, so that the desk leaves it alone."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PriorityReasons:
        return stored_record.from_json(cls, stored)

    def to_json(self) -> dict[str, Any]:
        """As it is stored and as the JSON API shows it."""
        row = stored_record.to_json(self)
        return row | {"reasons": list(self.reasons)} if row else row


NO_REASONS = PriorityReasons()
