"""The category of a new ticket: the model's guess and the keyword rule that applies, and the prediction that is stored.

Without a category an agent decides. The stored prediction keeps the model's guess unchanged, whatever a rule decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from classifier.model import Guess
from desk.mail.inbound_request import InboundRequest
from desk.rules.keyword_rules import Found, Rulebook
from desk.text.language import language
from workers.inbound.prefetch import classifier_text

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Choice:
    """The guess and the rule that fits, if one does."""

    guess: Guess
    found: Found | None
    language: str

    @property
    def category(self) -> str | None:
        """A hard rule decides; else the model where it is sure."""
        if self.found is not None and self.found.rule.hard:
            return self.found.rule.category
        return self.guess.category if self.guess.outcome == "automatic" else None

    def row(self, ticket_id: int, message_id: int, now: datetime) -> dict[str, Any]:
        """The prediction as it is kept."""
        applied = self.found if self.found and (self.found.rule.hard or self.guess.outcome != "automatic") else None
        return {
            "ticket_id": ticket_id,
            "message_id": message_id,
            "model_version": self.guess.model_version,
            "category": self.guess.category,
            "probability": self.guess.probability,
            "outcome": self.guess.outcome,
            "runners_up": [list(pair) for pair in self.guess.runners_up],
            "reasons": [list(pair) for pair in self.guess.reasons],
            "rule": applied.why if applied else "",
            "rule_category": applied.rule.category if applied else "",
            "language": self.language,
            "created_at": now,
        }


def choose(request: InboundRequest, guess: Guess, rules: Rulebook) -> Choice:
    text = classifier_text(request)
    try:
        return Choice(guess, rules.find(text), language(text))
    except Exception:
        log.exception("keyword_rules_not_asked")
        return Choice(guess, None, "")
