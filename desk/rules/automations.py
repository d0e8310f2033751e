"""Automations: when something happens to a ticket, or nothing does for a while, and some conditions hold, then act.

It takes an automation as JSON or TOML gives it, and what happened, and returns whether it fires. Loops cannot arise:
what a rule itself did triggers no rule, one event or one silence fires a rule once, and a ticket has at most
MOST_AN_HOUR firings an hour. It knows nothing of rows, and does nothing itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.rules import actions, conditions
from desk.rules.actions import Action, BadAction
from desk.rules.conditions import BadCondition, Condition
from desk.tickets.events import EventKind
from desk.tickets.ticket import Status

MOST_AN_HOUR = 20
LONGEST_NAME = 100
WHY = "rule "
"""How the reason of everything begins that an automation did."""

HAPPENINGS = frozenset({
    EventKind.OPENED, EventKind.REQUESTER_REPLIED, EventKind.REPLIED, EventKind.NOTED, EventKind.ASSIGNED,
    EventKind.TEAM_CHANGED, EventKind.STATUS_CHANGED, EventKind.REOPENED, EventKind.PRIORITY_CHANGED,
    EventKind.CATEGORY_CHANGED, EventKind.TAGGED, EventKind.UNTAGGED, EventKind.FIELD_CHANGED, EventKind.AUTOMATIC_KEPT,
    EventKind.DELIVERY_FAILED, EventKind.UNDELIVERABLE, EventKind.UNROUTABLE, EventKind.SLA_WARNED,
    EventKind.SLA_BREACHED, EventKind.RATED, EventKind.WOKEN, EventKind.SIDE_ANSWERED,
})  # fmt: skip


class BadAutomation(ValueError):
    """An automation that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One of `events`; or `silent_hours` without any event, or `age_hours` since the opening, in one of `statuses`."""

    events: frozenset[EventKind] = frozenset()
    silent_hours: float = 0.0
    age_hours: float = 0.0
    statuses: frozenset[Status] = frozenset()

    @property
    def is_timed(self) -> bool:
        return bool(self.silent_hours or self.age_hours)

    def to_json(self) -> dict[str, Any]:
        made: dict[str, Any] = {"event": sorted(map(str, self.events))} if self.events else {}
        made |= {"silent_hours": self.silent_hours} if self.silent_hours else {}
        made |= {"age_hours": self.age_hours} if self.age_hours else {}
        return made | ({"status": sorted(self.statuses)} if self.statuses else {})


@dataclass(frozen=True, slots=True)
class Automation:
    """One rule, checked; the two lists are as they were given, for whoever shows or stores them."""

    name: str
    trigger: Trigger
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    given: Mapping[str, Any]
    position: int = 0

    @property
    def why(self) -> str:
        return f"{WHY}{self.name}"

    def fingerprint(self) -> str:
        """Changes with every change of what it does."""
        told = [self.trigger.to_json(), self.given.get("conditions", []), self.given.get("actions", [])]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read(given: Mapping[str, Any], place: str = "automation") -> Automation:
    """From `{"name": …, "when": {"event": "opened"}, "conditions": […], "actions": […], "position": 0}`."""
    name = given.get("name", "")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise BadAutomation(f"{place}: name should be a text of at most {LONGEST_NAME} characters")
    strange = set(given) - {"name", "when", "conditions", "actions", "position", "active"}
    if strange:
        raise BadAutomation(f"{place}: {', '.join(sorted(strange))} is nothing that an automation has")
    try:
        asked = conditions.read(given.get("conditions", []), f"{place}.conditions")
        done = actions.read(given.get("actions", []), f"{place}.actions")
    except (BadCondition, BadAction) as error:
        raise BadAutomation(str(error)) from error
    if not done:
        raise BadAutomation(f"{place}: an automation without actions does nothing")
    trigger = read_trigger(given.get("when", {}), f"{place}.when")
    return Automation(name.strip(), trigger, asked, done, dict(given), int(given.get("position", 0) or 0))


def words(automation: Automation) -> str:
    """The whole rule in words."""
    done = ", ".join(map(actions.words, automation.actions))
    return f"when {_when(automation.trigger)}, if {conditions.words(automation.conditions)}: {done}"


def _when(trigger: Trigger) -> str:
    if trigger.events:
        return " or ".join(sorted(trigger.events)).replace("_", " ")
    silent = f"nothing happens for {trigger.silent_hours:g} hours"
    told = silent if trigger.silent_hours else f"it is {trigger.age_hours:g} hours old"
    return told + (f" while {' or '.join(sorted(trigger.statuses))}" if trigger.statuses else "")


def read_trigger(given: Any, place: str = "when") -> Trigger:
    """From `{"event": "opened"}` or `{"silent_hours": 24, "status": ["pending"]}`."""
    if not isinstance(given, Mapping) or not set(given) <= {"event", "silent_hours", "age_hours", "status"}:
        raise BadAutomation(f'{place} should be {{"event": "opened"}} or {{"silent_hours": 24, "status": "pending"}}')
    events = _listed(given.get("event", []))
    unknown = [one for one in events if one not in HAPPENINGS]
    if unknown:
        raise BadAutomation(f"{place}.event: {unknown[0]!r} does not happen; there are {', '.join(sorted(HAPPENINGS))}")
    hours = [_hours(given.get(name, 0), f"{place}.{name}") for name in ("silent_hours", "age_hours")]
    if sum((bool(events), bool(hours[0]), bool(hours[1]))) != 1:
        raise BadAutomation(f"{place} needs exactly one of event, silent_hours and age_hours")
    statuses = _listed(given.get("status", []))
    if not set(statuses) <= set(Status):
        raise BadAutomation(f"{place}.status should be some of {', '.join(Status)}")
    open_ones = (Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD)
    chosen = frozenset(map(Status, statuses)) or (frozenset(open_ones) if any(hours) else frozenset())
    return Trigger(frozenset(map(EventKind, events)), hours[0], hours[1], chosen)


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else [str(one) for one in given]


def _hours(given: Any, place: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 24 * 366:
        raise BadAutomation(f"{place} should be a number of hours")
    return float(given)
