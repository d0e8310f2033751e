"""Conditions of rules as rows of a form, with groups of which all, any or none must match. It works without scripts.

A button that adds or removes a row posts the whole form, which is shown again with that change. Conditions that are
nested deeper than a group are edited as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from desk.rules.conditions import FIELDS, BadCondition
from storage.db.session import Session
from usecases.tickets import custom_fields

OPS = (
    "is", "is_not", "in", "not_in", "contains", "word", "under", "starts", "ends", "like", "above", "below", "set",
)  # fmt: skip
KINDS: Mapping[str, str] = {"any": "any of these", "all": "all of these", "not": "not all of these"}
AT_FIRST = 3
"""So many empty rows are there to begin with."""
_KEY = re.compile(r"field(?:(\d{1,2})_)?(\d{1,2})")
_DO = re.compile(r"(row|group|drop|drop-group)-(\d{1,2})(?:_(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Row:
    field: str = ""
    op: str = "is"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The first group has no kind: all of its rows and all other groups must match."""

    kind: str = ""
    rows: tuple[Row, ...] = ()


Groups = tuple[Group, ...]
EMPTY: Groups = (Group("", (Row(),) * AT_FIRST),)


def facts(session: Session, but: Iterable[str] = ()) -> list[str]:
    """The attributes that a row may test: those of every ticket, and custom fields."""
    own = [f"field.{one.name}" for one in custom_fields.list_all(session)]
    return [*sorted(FIELDS - set(but)), *own]


def rows_of_form(fields: Mapping[str, str]) -> Groups:
    """The rows of a posted form, in their order."""
    rows: dict[int, dict[int, Row]] = {0: {}}
    for name in fields:
        match = _KEY.fullmatch(name)
        if match:
            key = name.removeprefix("field")
            row = Row(fields[name].strip(), fields.get(f"op{key}", "is"), fields.get(f"value{key}", "").strip())
            rows.setdefault(int(match[1] or 0), {})[int(match[2])] = row
    kinds = {number: fields.get(f"kind{number}", "any") for number in rows if number}
    ordered = {number: tuple(match[at] for at in sorted(match)) for number, match in sorted(rows.items())}
    return tuple(Group(kinds.get(number, ""), match) for number, match in ordered.items())


def rows_to_show(fields: Mapping[str, str]) -> Groups:
    """The rows of a posted form, or those of an empty one."""
    groups = rows_of_form(fields)
    return groups if any(group.rows for group in groups) else EMPTY


def edited(groups: Groups, do: str) -> Groups | None:
    """The rows after a button added or removed a row or group; None for any other button."""
    match = _DO.fullmatch(do)
    if match is None:
        return None
    verb, number, at = match[1], int(match[2]), int(match[3] or 0)
    if verb == "group":
        return (*groups, Group("any", (Row(), Row())))
    if number >= len(groups):
        return groups
    if verb == "drop-group":
        return tuple(one for place, one in enumerate(groups) if place != number or not number)
    held = groups[number]
    rows = (*held.rows, Row()) if verb == "row" else tuple(row for place, row in enumerate(held.rows) if place != at)
    return tuple(replace(held, rows=rows) if place == number else one for place, one in enumerate(groups))


def conditions(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The conditions to store. BadCondition where a value does not suit its comparison."""
    result: list[dict[str, Any]] = []
    for group in groups:
        asked = [{"field": row.field, row.op: _value(row)} for row in group.rows if row.field]
        result += [{group.kind: asked}] if group.kind in KINDS and asked else asked
    return result


def rows_of(kept: Any) -> Groups | None:
    """Stored conditions as rows; None where they are nested deeper than a group."""
    plain: list[Row] = []
    groups: list[Group] = []
    for condition in kept if isinstance(kept, list | tuple) else ():
        kind = next(iter(condition)) if isinstance(condition, Mapping) and len(condition) == 1 else ""
        inner = condition[kind] if kind in KINDS else [condition]
        rows = [_row(each) for each in (inner if isinstance(inner, list | tuple) else [inner])]
        plain_rows = [row for row in rows if row is not None]
        if len(plain_rows) != len(rows):
            return None
        if kind in KINDS:
            groups.append(Group(kind, tuple(plain_rows)))
        else:
            plain += plain_rows
    return (Group("", tuple(plain) or EMPTY[0].rows), *groups)


def _row(one: Any) -> Row | None:
    if not isinstance(one, Mapping) or "field" not in one or len(one) != 2:
        return None
    op = next(name for name in one if name != "field")
    value = one[op]
    if op == "set":
        text = "yes" if value else "no"
    elif isinstance(value, list | tuple):
        text = ", ".join(map(str, value))
        if any("," in str(part) for part in value):
            return None
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return Row(str(one["field"]), op, text) if op in OPS else None


def _value(row: Row) -> Any:
    if row.op in ("in", "not_in"):
        return [part.strip() for part in row.value.split(",") if part.strip()]
    if row.op == "set":
        return row.value.lower() not in ("no", "false", "missing")
    if row.op in ("above", "below"):
        try:
            return float(row.value)
        except ValueError as error:
            raise BadCondition(f"{row.field}: {row.value!r} should be a number") from error
    return row.value
