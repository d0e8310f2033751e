"""SLA policies: which tickets get which targets, by which calendar, when to warn, and what happens when nobody acts.

It takes policies as JSON or TOML give them, read once and checked, and the facts of a ticket, and returns the first
policy that fits, and its target in seconds of business time. It does not know how much time has passed
(`desk/sla/timers.py`).

Targets: `{"first_response": {"urgent": 30, "high": "1h", "medium": 240}, "resolution": "16h"}`, minutes or hours of
business time, for all priorities or by priority; what has no target has no clock. `"pause": ["resolution"]` names the
clocks that stand still while a ticket is pending or on hold. Escalations: `[{"at": 50, "actions": [{"notify":
"lead"}]}, {"at": "breach+60min", "actions": [{"priority": "urgent"}]}]`, in percent of the target or business time
after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from desk.priority.levels import Priority
from desk.rules import actions as rule_actions
from desk.rules import conditions as questions
from desk.rules.actions import Action
from desk.rules.conditions import Condition, TicketFacts
from desk.sla.business_hours import ALWAYS, Calendar


class BadPolicy(ValueError):
    """A policy that cannot be meant; the text names its place and what would be right."""


class Target(StrEnum):
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


LONGEST = 10 * 366 * 24 * 60
MOST_ESCALATIONS = 20
FLEETING = frozenset({"age_hours", "idle_hours", "waiting_hours", "hours", "event"})
"""Facts that change while nobody does anything: a ticket that changed its policy by waiting could never be late."""
_LENGTH = re.compile(r"(\d+(?:\.\d+)?) ?(min|h)?")
_AFTER = re.compile(r"breach(?: ?\+ ?(.+))?")


@dataclass(frozen=True, slots=True)
class Escalation:
    """`at` as it was written; at this part of the target, and so many seconds after it."""

    at: str
    part: float
    after: float
    actions: tuple[Action, ...]

    def seconds(self, target: float) -> float:
        return target * self.part + self.after


@dataclass(frozen=True, slots=True)
class Policy:
    """`targets` in seconds of business time."""

    id: int
    name: str
    targets: Mapping[Target, Mapping[Priority, float]]
    conditions: tuple[Condition, ...] = ()
    calendar: Calendar = ALWAYS
    calendar_name: str = ""
    warn_percent: int = 80
    escalations: tuple[Escalation, ...] = ()
    pausing: frozenset[Target] = field(default_factory=lambda: frozenset({Target.RESOLUTION}))

    def seconds(self, target: Target, priority: Priority) -> float | None:
        return self.targets.get(target, {}).get(priority)


def policy_for(policies: Sequence[Policy], case: TicketFacts) -> Policy | None:
    """The first whose conditions hold."""
    return next((one for one in policies if questions.hold(one.conditions, case)), None)


def read_conditions(given: Any, place: str = "conditions") -> tuple[Condition, ...]:
    """As everywhere, but without facts that change by themselves."""
    found = questions.read(given, place)
    fleeting = sorted(set(_fields(found)) & FLEETING)
    if fleeting:
        raise BadPolicy(f"{place}: a policy cannot depend on {', '.join(fleeting)}, which change while nobody acts")
    return found


def read_targets(given: Any, place: str = "targets") -> tuple[dict[Target, dict[Priority, float]], frozenset[Target]]:
    """The targets in seconds, and the clocks that pause."""
    if not isinstance(given, Mapping) or not set(given) <= {*Target, "pause"}:
        raise BadPolicy(f"{place} should name some of {', '.join(Target)}, and pause")
    targets = {one: _by_priority(given[one], f"{place}.{one}") for one in Target if given.get(one)}
    if not targets:
        raise BadPolicy(f"{place} has no target: one of {', '.join(Target)}")
    pause = given.get("pause", [Target.RESOLUTION])
    if not isinstance(pause, list | tuple) or not set(pause) <= set(Target):
        raise BadPolicy(f"{place}.pause should be a list of {', '.join(Target)}")
    return targets, frozenset(map(Target, pause))


def read_escalations(given: Any, place: str = "escalations") -> tuple[Escalation, ...]:
    """The steps, as they were written: their order in time depends on the target."""
    if not isinstance(given, list | tuple) or len(given) > MOST_ESCALATIONS:
        raise BadPolicy(f"{place} should be a list of at most {MOST_ESCALATIONS} steps")
    return tuple(_escalation(one, f"{place}[{number}]") for number, one in enumerate(given))


def read_percent(given: Any, place: str = "warn_percent") -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= 100:
        raise BadPolicy(f"{place} should be a number from 0 (never) to 100")
    return given


def length(seconds: float) -> str:
    """ "45 min", "8 h", "1 h 30 min"."""
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))


def _by_priority(given: Any, place: str) -> dict[Priority, float]:
    if not isinstance(given, Mapping):
        seconds = _seconds(given, place)
        return dict.fromkeys(Priority, seconds)
    if not set(given) <= set(Priority):
        raise BadPolicy(f"{place} should have some of {', '.join(Priority)}")
    return {one: _seconds(given[one], f"{place}.{one}") for one in Priority if given.get(one)}


def _seconds(given: Any, place: str) -> float:
    match = None if isinstance(given, bool) else _LENGTH.fullmatch(str(given).strip())
    minutes = float(match[1]) * (60 if match[2] == "h" else 1) if match else 0.0
    if not 0 < minutes <= LONGEST:
        raise BadPolicy(f"{place}: {given!r} should be minutes such as 240, or 4h")
    return minutes * 60


def _escalation(given: Any, place: str) -> Escalation:
    if not isinstance(given, Mapping) or set(given) != {"at", "actions"}:
        raise BadPolicy(f'{place} should look like {{"at": 100, "actions": [{{"notify": "lead"}}]}}')
    part, after = _when(given["at"], f"{place}.at")
    found = rule_actions.read(given["actions"], f"{place}.actions")
    if not found:
        raise BadPolicy(f"{place}.actions has no action")
    return Escalation(str(given["at"]), part, after, found)


def _when(given: Any, place: str) -> tuple[float, float]:
    """Percent of the target, or business time after it."""
    match = _AFTER.fullmatch(str(given).strip())
    if match:
        return 1.0, _seconds(match[1], place) if match[1] else 0.0
    text = str(given).strip().removesuffix("%").strip()
    percent = float(text) if re.fullmatch(r"\d{1,4}(\.\d+)?", text) and not isinstance(given, bool) else 0.0
    if percent <= 0:
        raise BadPolicy(f'{place}: {given!r} should be a percentage such as 50, or "breach+60min"')
    return percent / 100, 0.0


def _fields(conditions: Sequence[Condition]) -> list[str]:
    return [name for one in conditions for name in ([one.field] if one.field else _fields(one.parts))]
