"""Priority: impact and urgency of a text, with the words that weighed as reasons."""

from desk.priority.assess import judge

__all__ = ["judge"]
