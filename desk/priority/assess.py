"""How urgent is a request? Impact × urgency, judged by rules and a trained pair, with the reasons as sentences.

It takes the new words of a mail (never what it quotes), whether its requester is a VIP, and how many people an
incident hit, and returns a Judgement with reasons that quote the words. The rules hear every language that has a
table; where the pair knows the words and is sure, it decides, with what the rules heard among its signs. Shouting is
no reason: capitals, exclamation marks, "URGENT" and the sender's own priority headers count for nothing. It knows no
ticket and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from desk.priority import pair as priority_pair
from desk.priority import signals as priority_signals
from desk.priority.levels import Priority
from desk.priority.pair import EMERGENCY
from desk.priority.reasons import PriorityReasons
from desk.priority.signals import Impact, Urgency
from desk.priority.terms import traits
from desk.text.phrase_matcher import quoted

MOST_CHARACTERS = 4_000
"""Who has more to say has said by then what is wrong."""
SURE: Mapping[Priority, float] = MappingProxyType(
    {Priority.URGENT: 0.6, Priority.HIGH: 0.45, Priority.MEDIUM: 0.36, Priority.LOW: 0.42}
)
"""From which chance on the pair decides against rules that say this; below, they are right oftener than it is, measured
on situations that are new to both. Rules that say Urgent heard something; those that say Medium mostly nothing."""

URGENT_FROM = 0.46
"""From which chance on the pair alone makes a request Urgent; below, of ordinary mail every eighth would be."""
ENOUGH_WORDS = 5
"""With fewer telling words the pair raises nothing: "and this" or a bare number is no emergency, however sure it is."""

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


def judge(
    text: str, subject: str = "", *, vip: bool = False, plan: str = "", by: Matrix = _DEFAULT, trained: bool = True
) -> Judgement:
    """What the words say. A VIP, or a `plan` that promises it, raises by one step, but never above High.

    Without `trained` the rules decide alone.
    """
    source = f"{subject[:300]}\n\n{text}"[:MOST_CHARACTERS] if subject else text[:MOST_CHARACTERS]
    marks, tokens = priority_signals.find(source)
    found = priority_signals.heard(source, marks, tokens)
    made = Judgement(by[found.impact, found.urgency], found.impact, found.urgency, found.reasons)
    opinion = priority_pair.trained().opinion(tokens, traits(found, marks)) if trained else None
    made = _decided(made, opinion, source, by) if opinion else made
    return for_requester(made, vip=vip, plan=plan)


def _decided(by_rules: Judgement, opinion: priority_pair.Opinion, source: str, by: Matrix) -> Judgement:
    """The pair's opinion where it is sure and the rules say otherwise, or have no reason for more than the usual."""
    chance, impact, urgency = opinion.best(_DEFAULT)
    kept = (Impact.MANY, Urgency.BLOCKED) if urgency == EMERGENCY else (impact, Urgency(urgency))
    by_words = _DEFAULT[by_rules.impact, by_rules.urgency]
    explained = by_rules.reasons or urgency == Urgency.NORMAL
    if chance < SURE[by_words] or (_DEFAULT[kept] is by_words and explained):
        return by_rules
    places = opinion.weighed(impact, urgency)
    explainable = places and opinion.telling_words >= ENOUGH_WORDS
    enough = explainable and (_DEFAULT[kept] is not Priority.URGENT or chance >= URGENT_FROM)
    if _is_above(by[kept], by_rules.priority) and not enough:
        return by_rules
    words = ", ".join(f"'{quoted(source, start, end)}'" for start, end in places)
    reasons = (f"{words}: {_SOUNDS[impact, urgency]} ({chance:.0%} sure, by examples)",) if words else ()
    return Judgement(by[kept], *kept, reasons)


def _is_above(one: Priority, other: Priority) -> bool:
    ranks = list(Priority)
    return ranks.index(one) < ranks.index(other)


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


_SOUNDS: Mapping[tuple[Impact, str], str] = {
    **{(impact, EMERGENCY): "sounds like an emergency" for impact in Impact},
    **{(impact, Urgency.NORMAL): "sounds like an ordinary request" for impact in Impact},
    **{(impact, Urgency.MINOR): "sounds like something that can wait" for impact in Impact},
    **{(impact, Urgency.DEGRADED): "sounds like something that works badly" for impact in Impact},
    (Impact.MANY, Urgency.DEGRADED): "sounds like trouble for many users",
    (Impact.MANY, Urgency.BLOCKED): "sounds like many users who cannot work",
    (Impact.TEAM, Urgency.BLOCKED): "sounds like a team that cannot work",
    (Impact.ONE, Urgency.BLOCKED): "sounds like work that cannot go on",
}
