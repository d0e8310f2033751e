"""The one language of conditions: routing rules, SLA policies and automations ask a ticket the same questions.

It takes conditions as JSON or TOML give them, read once and checked, and a case: the facts of a ticket by name
(`desk/rules/ticket_facts.py`), and returns whether they hold, and in a few words why. It does not know where the
facts come from.

`[{"field": "category", "is": "Billing / Invoice"}, {"any": [{"field": "subject", "contains": "refund"}, …]}]`; all of a
list must hold; `any`, `all` and `not` nest. Comparing ignores capitals and accents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Value = str | float | bool | Sequence[str] | None
TicketFacts = Mapping[str, Value]
MOST = 50
DEEPEST = 4
LONGEST_PATTERN = 200

FIELDS = frozenset({
    "channel", "mailbox", "sender", "domain", "organisation", "plan", "vip", "language", "category", "priority",
    "status", "team", "assignee", "tags", "subject", "text", "hours", "age_hours", "idle_hours", "waiting_hours",
    "attachments", "event", "reopened", "requester",
})  # fmt: skip
"""The facts that every case has; custom fields are `field.NAME` beside them."""


class BadCondition(ValueError):
    """A condition that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One question: `op` is a comparison of `field` with `value`, or "any", "all" or "not" over `parts`."""

    op: str
    field: str = ""
    value: Any = None
    parts: tuple[Condition, ...] = ()


def read(given: Any, place: str = "conditions") -> tuple[Condition, ...]:
    """The conditions of a list; BadCondition where one is not understood."""
    return _read_list(given, place, DEEPEST)


def hold(conditions: Sequence[Condition], case: TicketFacts) -> bool:
    """Whether all of them hold; none at all always hold."""
    return all(_holds(condition, case) for condition in conditions)


def words(conditions: Sequence[Condition]) -> str:
    """ "category is Billing, subject contains refund", for people."""
    return ", ".join(map(_words, conditions)) or "always"


def fold(text: str) -> str:
    """As it is compared: no capitals, no accents, single spaces."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(text.casefold().split())


def _read_list(given: Any, place: str, depth: int) -> tuple[Condition, ...]:
    if not isinstance(given, list | tuple):
        raise BadCondition(f"{place} should be a list of conditions")
    if len(given) > MOST or depth == 0:
        raise BadCondition(f"{place} has more than {MOST} conditions, or more than {DEEPEST} levels")
    return tuple(_read(one, f"{place}[{number}]", depth) for number, one in enumerate(given))


def _read(given: Any, place: str, depth: int) -> Condition:
    if not isinstance(given, Mapping):
        raise BadCondition(f'{place} should look like {{"field": "category", "is": "Billing"}}')
    if len(given) == 1 and (op := next(iter(given))) in ("any", "all", "not"):
        inner = given[op] if op != "not" or isinstance(given[op], list) else [given[op]]
        return Condition(op, parts=_read_list(inner, f"{place}.{op}", depth - 1))
    field, ops = given.get("field", ""), [name for name in given if name != "field"]
    if not isinstance(field, str) or not (field in FIELDS or field.startswith("field.")):
        raise BadCondition(f"{place}: {field!r} is no field; there are {', '.join(sorted(FIELDS))} and field.NAME")
    if len(ops) != 1 or ops[0] not in _OPS:
        raise BadCondition(f"{place}: {field} needs one of {', '.join(_OPS)}")
    return Condition(ops[0], field, _checked(ops[0], given[ops[0]], place))


def _checked(op: str, value: Any, place: str) -> Any:
    if op in ("in", "not_in"):
        if not isinstance(value, list | tuple) or not value:
            raise BadCondition(f"{place}.{op} should be a list of values")
        return tuple(map(str, value))
    if op in ("above", "below"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadCondition(f"{place}.{op} should be a number")
        return float(value)
    if op == "set":
        if not isinstance(value, bool):
            raise BadCondition(f"{place}.set should be true or false")
        return value
    if not isinstance(value, str | int | float) or len(str(value)) > LONGEST_PATTERN:
        raise BadCondition(f"{place}.{op} should be a text of at most {LONGEST_PATTERN} characters")
    return value if isinstance(value, bool) else str(value)


def _holds(condition: Condition, case: TicketFacts) -> bool:
    if condition.op == "any":
        return any(_holds(part, case) for part in condition.parts)
    if condition.op in ("all", "not"):
        return hold(condition.parts, case) is (condition.op == "all")
    return _OPS[condition.op](case.get(condition.field), condition.value)


def _texts(value: Value) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str | int | float):
        return [fold(str(value))]
    return [fold(one) for one in value]


def _is(value: Value, wanted: Any) -> bool:
    return fold(str(wanted)) in _texts(value)


def _in(value: Value, wanted: Sequence[str]) -> bool:
    return any(_is(value, one) for one in wanted)


def _contains(value: Value, wanted: str) -> bool:
    return any(fold(wanted) in text for text in _texts(value))


def _word(value: Value, wanted: str) -> bool:
    """Whole words: "bill" is not in "billing"."""
    sought = f" {fold(wanted)} "
    return any(sought in f" {''.join(c if c.isalnum() else ' ' for c in text)} " for text in _texts(value))


def _under(value: Value, wanted: str) -> bool:
    """ "Billing / Invoice" is under "Billing"."""
    top = fold(wanted)
    return any(text == top or text.startswith(f"{top} /") for text in _texts(value))


def _like(value: Value, wanted: str) -> bool:
    return any(fnmatchcase(text, fold(wanted)) for text in _texts(value))


def _above(value: Value, wanted: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > wanted


def _below(value: Value, wanted: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value < wanted


_OPS: Mapping[str, Callable[[Value, Any], bool]] = {
    "is": _is,
    "is_not": lambda value, wanted: not _is(value, wanted),
    "in": _in,
    "not_in": lambda value, wanted: not _in(value, wanted),
    "contains": _contains,
    "word": _word,
    "under": _under,
    "starts": lambda value, wanted: any(text.startswith(fold(wanted)) for text in _texts(value)),
    "ends": lambda value, wanted: any(text.endswith(fold(wanted)) for text in _texts(value)),
    "like": _like,
    "above": _above,
    "below": _below,
    "set": lambda value, wanted: any(_texts(value)) is wanted,
}


def _words(condition: Condition) -> str:
    if condition.parts:
        between = " or " if condition.op == "any" else ", "
        inner = between.join(map(_words, condition.parts))
        return f"not ({inner})" if condition.op == "not" else f"({inner})"
    value = ", ".join(condition.value) if isinstance(condition.value, tuple) else condition.value
    if condition.op == "set":
        return f"{condition.field} is {'given' if value else 'missing'}"
    return (
        f"{condition.field} {condition.op.replace('_', ' ')} {value:g}"
        if isinstance(value, float)
        else (f"{condition.field} {condition.op.replace('_', ' ')} {value}")
    )
