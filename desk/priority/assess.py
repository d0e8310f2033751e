"""How urgent is a request? Impact × urgency, judged by words of many languages, with the reasons as sentences.

It takes the new words of a mail (never what it quotes), whether its requester is a VIP, and how many people an
incident hit, and returns a Judgement with reasons that quote the words. Shouting is no reason: capitals, exclamation
marks, "URGENT" and the sender's own priority headers count for nothing. It knows no ticket and no clock; the words
are in desk/priority/words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from desk.priority import signals as priority_signals
from desk.priority.levels import Priority
from desk.priority.reasons import PriorityReasons
from desk.priority.signals import Impact, Urgency

MOST_CHARACTERS = 4_000
"""Who has more to say has said by then what is wrong."""

Matrix = Mapping[tuple[Impact, Urgency], Priority]


class BadMatrix(ValueError):
    """The text is no matrix; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A priority and why: sentences that quote the requester's own words."""

    priority: Priority
    impact: Impact
    urgency: Urgency
    reasons: tuple[str, ...] = ()


DEFAULT_MATRIX = (
    "many = urgent urgent medium low",
    "team = high medium medium low",
    "one = high medium medium low",
)
"""For each impact the priority if it is blocked, degraded, normal, minor."""


@cache
def matrix(rows: tuple[str, ...]) -> Matrix:
    """The matrix of rows such as `one = high medium medium low`; raises BadMatrix."""
    made: dict[tuple[Impact, Urgency], Priority] = {}
    for row in rows:
        name, _, cells = row.partition("=")
        words = cells.split()
        if name.strip() not in set(Impact) or len(words) != len(Urgency) or not set(words) <= set(Priority):
            raise BadMatrix(
                f"{row!r} is not like {DEFAULT_MATRIX[0]!r}: {', '.join(Urgency)} each as {', '.join(Priority)}"
            )
        made |= {(Impact(name.strip()), u): Priority(w) for u, w in zip(Urgency, words, strict=True)}
    missing = [impact for impact in Impact if (impact, Urgency.NORMAL) not in made]
    if missing:
        raise BadMatrix(f"there is no row for {', '.join(missing)}")
    return MappingProxyType(made)


_DEFAULT = matrix(DEFAULT_MATRIX)


def judge(text: str, subject: str = "", *, vip: bool = False, plan: str = "", by: Matrix = _DEFAULT) -> Judgement:
    """What the words say. A VIP, or a `plan` that promises it, raises by one step, but never above High."""
    source = f"{subject[:300]}\n\n{text}"[:MOST_CHARACTERS] if subject else text[:MOST_CHARACTERS]
    found = priority_signals.read(source)
    made = Judgement(by[found.impact, found.urgency], found.impact, found.urgency, found.reasons)
    return for_requester(made, vip=vip, plan=plan)


def for_requester(judgement: Judgement, *, vip: bool = False, plan: str = "") -> Judgement:
    """The judgement for this requester: a VIP, or a plan that promises it, raises by one step, never above High."""
    made = _raised(judgement, "the requester is a VIP") if vip else judgement
    return _raised(made, f"the plan {plan!r} raises it") if plan else made


def why(judgement: Judgement) -> PriorityReasons:
    """What is kept with the ticket."""
    return PriorityReasons(str(judgement.impact), str(judgement.urgency), judgement.reasons)


def _raised(judgement: Judgement, why: str) -> Judgement:
    order = list(Priority)
    place = order.index(judgement.priority)
    if place <= order.index(Priority.HIGH):
        return judgement
    return replace(judgement, priority=order[place - 1], reasons=(*judgement.reasons, f"{why}: one step up"))
