"""What happens when a ticket is solved: whether its resolution must be written down, and when its requester is asked
how it went.

It takes settings as people write them, and returns checked rules. It knows nothing of rows, mails and pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

SCORES = (5, 4, 3, 2, 1)
LOW = 2
"""From this score down a lead is told."""
SATISFIED = 4
CHANGED_WITHIN = timedelta(days=14)
"""So long after voting a requester may change their mind."""
OPEN_FOR = timedelta(days=60)
"""So long after the question an answer is taken."""
_MOST = 3650


class BadCsatSettings(ValueError):
    """A setting that cannot be meant; the text says which and what would be right."""


@dataclass(frozen=True, slots=True)
class CsatSettings:
    """`ask_rating` asks the requester `rating_after_hours` after the ticket was resolved, at most once in
    `rating_every_days`, and once more after `rating_remind_days` without an answer (0: never).
    `resolution_required`: nobody resolves a ticket in the console without saying what solved it, or answering.
    `help_pages` shows public articles to everybody; `help_indexed` lets search engines keep them.
    """

    ask_rating: bool = False
    rating_after_hours: int = 1
    rating_every_days: int = 30
    rating_remind_days: int = 3
    resolution_required: bool = False
    help_pages: bool = True
    help_indexed: bool = False


def read(given: Mapping[str, Any]) -> CsatSettings:
    """The rules of a mapping; what it does not name is as it is shipped. BadCsatSettings where something is wrong."""
    known: dict[str, Any] = {f.name: f.default for f in fields(CsatSettings)}
    for name, value in given.items():
        if name not in known:
            raise BadCsatSettings(f"{name!r} is no setting of what comes after; there are {', '.join(sorted(known))}")
        if type(value) is not type(known[name]):
            kind = "true or false" if isinstance(known[name], bool) else "a whole number"
            raise BadCsatSettings(f"{name} should be {kind}")
        if not isinstance(value, bool) and not 0 <= int(value) <= _MOST:
            raise BadCsatSettings(f"{name} should be from 0 to {_MOST}")
    return CsatSettings(**given)


def may_vote(asked_at: datetime, rated_at: datetime | None, now: datetime) -> bool:
    """Whether a score is still taken: the first for a while after the question, another while minds may change."""
    return now <= (rated_at + CHANGED_WITHIN if rated_at else asked_at + OPEN_FOR)
