"""What the categoriser may learn from, and when a new model may take the place of the old one.

It takes examples (a text, a category, who wrote it, who said so), and two models' figures, and returns the examples
that count, with a list of what was left out and why; and a verdict with its reason. It knows nothing of models and
databases.

Against poisoning: the same words count once, one requester and one agent can fill only a part of a category.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

NEWEST = 0.2
"""The share of the agents' words that is kept back to judge by."""
FEWEST_TO_JUDGE = 30
ENOUGH_FOR_CALIBRATION = 500
MOST_CALIBRATION_ERROR = 0.05
TOLERANCE = 0.005
PER_REQUESTER, REQUESTER_SHARE = 5, 0.1
PER_AGENT, AGENT_TIMES = 100, 2.0
SILENT, SILENT_SHARE = 5, 0.25
"""So many examples of a category on which no agent spoke, beside those on which one did. Measured on banking77 and real
IT tickets: with a quarter a model acts alone on more tickets and still is right 95 times of 100; with all of them it
grows too sure of its own guesses."""
CORRECTIONS_UNTIL_RETRAIN = 50
ENOUGH_TO_KNOW_THE_DESK = 500
"""From so many words of agents on, a category of the starter that none of the examples has is not this desk's."""


@dataclass(frozen=True, slots=True)
class Example:
    """One ticket's first words and its category; `said` by an agent, or never contradicted since it was guessed."""

    ticket_id: int
    text: str
    category: str
    at: datetime
    requester_id: int
    agent_id: int | None = None
    correction_id: int = 0
    said: bool = True


@dataclass(frozen=True, slots=True)
class Chosen:
    """What counts, oldest first; `left_out` counts the others by reason, `capped` names whose were too many."""

    examples: tuple[Example, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    capped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model reached on the texts that it is judged by."""

    count: int
    macro_f1: float
    calibration_error: float = 0.0
    calibrated_on: int = 0


def choose(examples: Sequence[Example], retired: frozenset[str] = frozenset()) -> Chosen:
    """Newest first: an agent's word before silence, the same words once, and nobody more than a share."""
    ordered = sorted(examples, key=lambda one: (one.said, one.at, one.ticket_id), reverse=True)
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    distinct = []
    for one in ordered:
        key = " ".join(one.text.casefold().split())
        reason = "no text" if not key else "category is retired" if one.category in retired else ""
        if reason or key in seen:
            left_out[reason or "the same words again"] += 1
            continue
        seen.add(key)
        distinct.append(one)
    kept, capped = _within_caps(distinct, left_out)
    return Chosen(tuple(sorted(kept, key=lambda one: (one.at, one.ticket_id))), dict(left_out), capped)


def not_this_desks(starters: Iterable[str], examples: Sequence[Example]) -> frozenset[str]:
    """Those of the starter's categories that nobody here ever used, once enough was said to know."""
    if sum(one.said for one in examples) < ENOUGH_TO_KNOW_THE_DESK:
        return frozenset()
    return frozenset(starters) - {one.category for one in examples}


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """(to learn from, to judge by): the newest share of what agents said, or nothing where that would be too few."""
    said = [one for one in examples if one.said]
    count = int(len(said) * NEWEST)
    if count < FEWEST_TO_JUDGE:
        return list(examples), []
    judges = said[-count:]
    ids = {one.ticket_id for one in judges}
    return [one for one in examples if one.ticket_id not in ids], judges


def verdict(new: Figures, old: Figures | None) -> tuple[bool, str]:
    """Whether the new model may take over. `old` was measured on the same texts, none of which it had learned from."""
    if old is not None and new.count >= FEWEST_TO_JUDGE:
        difference = new.macro_f1 - old.macro_f1
        if difference < -TOLERANCE:
            return False, f"worse on the newest {new.count}: macro-F1 {new.macro_f1:.3f} instead of {old.macro_f1:.3f}"
    if new.calibrated_on >= ENOUGH_FOR_CALIBRATION and new.calibration_error > MOST_CALIBRATION_ERROR:
        return False, f"its probabilities are off by {new.calibration_error:.3f} on average"
    if old is None or new.count < FEWEST_TO_JUDGE:
        missing = f"{new.count} new words of agents, and {FEWEST_TO_JUDGE} are needed"
        return True, f"nothing to compare it by yet ({missing}); it knows what the one before knew, and more"
    return True, f"on the newest {new.count}: macro-F1 {new.macro_f1:.3f}, before {old.macro_f1:.3f}"


SILENCE = "silence"
Whose = tuple[str, str, int | None]
"""("requester", "agent" or SILENCE, category, person)."""


def _within_caps(examples: Sequence[Example], left_out: Counter[str]) -> tuple[list[Example], tuple[str, ...]]:
    """The newest examples of everybody up to the caps."""
    caps = _caps(examples)
    used: Counter[Whose] = Counter()
    beyond: Counter[Whose] = Counter()
    kept = []
    for one in examples:
        full = [key for key in _whose(one) if key in caps and used[key] >= caps[key]]
        beyond.update(full)
        if not full:
            used.update(_whose(one))
            kept.append(one)
    for (who, _, _), count in beyond.items():
        left_out["more than a part without an agent's word" if who == SILENCE else f"too many of one {who}"] += count
    most = [entry for entry in beyond.most_common() if entry[0][0] != SILENCE][:20]
    return kept, tuple(f"{who} {number}: {count} in {category}" for (who, category, number), count in most)


def _caps(examples: Sequence[Example]) -> dict[Whose, float]:
    """How many of each may count. Agents are capped only where there are several: one alone has nobody to outweigh."""
    sizes = Counter(one.category for one in examples)
    said = [one for one in examples if one.said]
    caps: dict[Whose, float] = {
        key: max(PER_REQUESTER, REQUESTER_SHARE * sizes[key[1]]) for one in examples for key in _whose(one)[:1]
    }
    if len({one.agent_id for one in said}) > 1:
        each, every = Counter(_whose(one)[1] for one in said), Counter(one.category for one in said)
        caps |= {key: max(PER_AGENT, AGENT_TIMES * (every[key[1]] - count)) for key, count in each.items()}
    spoken = Counter(one.category for one in said)
    return caps | {(SILENCE, name, None): max(SILENT, SILENT_SHARE * spoken[name]) for name in sizes}


def _whose(one: Example) -> tuple[Whose, ...]:
    requester = ("requester", one.category, one.requester_id)
    return requester, ("agent", one.category, one.agent_id) if one.said else (SILENCE, one.category, None)
