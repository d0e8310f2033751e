"""The one language of actions: what routing rules, automations, macros and escalations do to a ticket.

It takes actions as JSON or TOML give them, one key each: `[{"team": "Billing"}, {"priority": "high"}, {"tag":
["refund"]}]`, and returns checked actions in order. It knows nothing of people and tickets;
`usecases/rules/run_actions.py` carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from desk.priority.levels import Priority
from desk.tickets.ticket import Status

MOST = 20
LONGEST_TEXT = 20_000


class BadAction(ValueError):
    """An action that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Action:
    """`do` is the key, `value` what stands behind it, checked."""

    do: str
    value: Any


def read(given: Any, place: str = "actions") -> tuple[Action, ...]:
    """The actions of a list, or of one mapping with several keys; BadAction where one is not understood."""
    if isinstance(given, Mapping):
        given = [{name: value} for name, value in given.items()]
    if not isinstance(given, list | tuple) or len(given) > MOST:
        raise BadAction(f'{place} should be a list of at most {MOST} actions such as {{"team": "Billing"}}')
    return tuple(_read(one, f"{place}[{number}]") for number, one in enumerate(given))


def words(action: Action) -> str:
    """ "team Billing", for people."""
    value = action.value
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    elif isinstance(value, Mapping):
        value = ", ".join(f"{name} = {one}" for name, one in value.items())
    return f"{action.do} {value}"[:200]


def _read(given: Any, place: str) -> Action:
    if isinstance(given, Action):
        return given
    if not isinstance(given, Mapping) or len(given) != 1:
        raise BadAction(f'{place} should have one key, as in {{"team": "Billing"}}')
    ((do, value),) = given.items()
    if do not in _CHECKS:
        raise BadAction(f"{place}: {do!r} is no action; there are {', '.join(sorted(_CHECKS))}")
    return Action(do, _CHECKS[do](value, f"{place}.{do}"))


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
        raise BadAction(f"{place} should be a text")
    return value


def _texts(value: Any, place: str) -> tuple[str, ...]:
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list | tuple) or not many:
        raise BadAction(f"{place} should be a text or a list of texts")
    return tuple(_text(one, place) for one in many)


def _one_of(names: type[Status] | type[Priority]) -> Callable[[Any, str], str]:
    def check(value: Any, place: str) -> str:
        wanted = str(value).lower().replace(" ", "_")
        if wanted not in set(names):
            raise BadAction(f"{place} should be one of {', '.join(names)}")
        return wanted

    return check


def _hours(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 24 * 366:
        raise BadAction(f"{place} should be a number of hours")
    return float(value)


def _fields(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise BadAction(f'{place} should look like {{"cost_centre": "4711"}}')
    for name, one in value.items():
        if not isinstance(name, str) or not (one is None or isinstance(one, str | int | float | bool)):
            raise BadAction(f"{place}.{name} should be a text, a number, true, false or nothing")
    return dict(value)


_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "assign": _text,
    "team": _text,
    "status": _one_of(Status),
    "priority": _one_of(Priority),
    "category": _text,
    "tag": _texts,
    "untag": _texts,
    "field": _fields,
    "note": _text,
    "reply": _text,
    "notify": _texts,
    "watch": _texts,
    "snooze_hours": _hours,
}
