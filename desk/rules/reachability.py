"""Which rules can never fire: their condition asks for a value that nothing makes, or earlier rules leave nothing over.

It works on conditions and the values that a desk has, not on tickets. What it does not know it takes for possible, so
that it never calls a rule dead that could fire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desk.rules import conditions
from desk.rules.conditions import Condition

Values = Mapping[str, frozenset[str]]
"""Field → all values that a ticket of this desk can have there, besides none."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A rule as it is looked at here. After one that `ends` no later rule is asked; `sets`: the fields it changes."""

    name: str
    conditions: tuple[Condition, ...]
    ends: bool = False
    sets: frozenset[str] = frozenset()


def impossible(asked: Sequence[Condition], values: Values) -> str:
    """Why these conditions never hold together, in a few words; empty if they may."""
    return next((why for why in (_impossible(one, values) for one in asked) if why), "")


def shadowed(rules: Sequence[Asking], values: Values, field: str = "category") -> dict[str, str]:
    """Rule → the earlier rules after which none of its tickets is left, whichever value the field has."""
    found: dict[str, str] = {}
    for place, rule in enumerate(rules):
        before = [one for one in rules[:place] if one.ends]
        if any(field in one.sets for one in rules[:place]):
            break
        takers = [_taker(before, rule, field, value) for value in ("", *sorted(values.get(field, ())))]
        names = {one for one in takers if one}
        if names and None not in takers:
            found[rule.name] = " and ".join(repr(name) for name in sorted(names))
    return found


def _taker(before: Sequence[Asking], rule: Asking, field: str, value: str) -> str | None:
    """Who takes the tickets with this value before the rule; "" if it has none of them anyway, None if nobody does."""
    if _truth(rule.conditions, field, value) is False:
        return ""
    return next((one.name for one in before if _truth(one.conditions, field, value) is True), None)


def _impossible(condition: Condition, values: Values) -> str:
    if condition.op == "all":
        return impossible(condition.parts, values)
    if condition.op == "any":
        reasons = [_impossible(part, values) for part in condition.parts]
        return reasons[0] if reasons and all(reasons) else ""
    if condition.op == "not" or condition.field not in values:
        return ""
    if any(conditions.hold((condition,), {condition.field: one}) for one in ("", *values[condition.field])):
        return ""
    return f"{conditions.words((condition,))}, which no ticket of this desk can be"


def _truth(asked: Sequence[Condition], field: str, value: str) -> bool | None:
    """Whether they hold for this value; None where that depends on something else."""
    return _all([_truth_of(one, field, value) for one in asked])


def _truth_of(condition: Condition, field: str, value: str) -> bool | None:
    parts = [_truth_of(part, field, value) for part in condition.parts]
    if condition.op == "any":
        return _not(_all([_not(one) for one in parts]))
    if condition.op in ("all", "not"):
        return _all(parts) if condition.op == "all" else _not(_all(parts))
    return conditions.hold((condition,), {field: value}) if condition.field == field else None


def _all(truths: Sequence[bool | None]) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True


def _not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth
