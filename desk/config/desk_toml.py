"""How the desk works, as one TOML file: reading and checking it, comparing two states of it, and writing it.

It takes what `desk.toml` says, and returns entries by kind and name with the fields that are given, steps from one
state to another, TOML. An error names its place (`[[route]] 3: …`). It knows nothing of rows; what a rule means is
checked by whoever keeps it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from desk.incidents.detector import Detector
from desk.knowledge.csat import CsatSettings
from desk.learning.desk_kind import Desk
from desk.rules.automations import BadAutomation, read_trigger
from desk.tickets.lifecycle import Lifecycle

Entry = Mapping[str, Any]
State = Mapping[str, Mapping[str, Entry]]
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


class BadConfiguration(ValueError):
    """A file that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an entry of a kind has: the key that names it, and its fields with their defaults."""

    key: str
    fields: Mapping[str, Any]
    free: frozenset[str] = frozenset()
    """Fields that may be a list or a mapping, or nothing."""

    @property
    def single(self) -> bool:
        """A desk has one of it, without a name: it is written [kind]."""
        return not self.key


KINDS: Mapping[str, Shape] = {
    "calendar": Shape("name", {"time_zone": "UTC", "slots": [], "holidays": {}}),
    "agent": Shape(
        "address",
        {"name": "", "role": "agent", "skills": [], "weight": 1, "capacity": 0, "calendar": "", "signature": "",
         "slack_user": ""},
    ),
    "team": Shape(
        "name",
        {"private": False, "strategy": "manual", "calendar": "", "previous": False, "escalate_minutes": 30,
         "members": [], "signature": "", "slack_channel": ""},
    ),
    "mailbox": Shape("address", {"name": "", "team": "", "signature": "", "imap": {}}),
    "organisation": Shape("name", {"domains": [], "plan": "", "shared": False}),
    "category": Shape("name", {"words": "", "active": True}),
    "field": Shape(
        "name",
        {"label": "", "kind": "text", "choices": [], "categories": [], "required": False, "public": False,
         "position": 0},
    ),
    "keyword_rule": Shape(
        "name", {"category": "", "all": [], "any": [], "none": [], "hard": False, "position": 0, "active": False}
    ),
    "route": Shape(
        "name", {"conditions": [], "actions": [], "position": 0, "active": True}, frozenset({"actions"})
    ),
    "sla": Shape(
        "name",
        {"conditions": [], "targets": {}, "calendar": "", "warn_percent": 80, "escalations": [], "position": 0,
         "active": True},
    ),
    "automation": Shape(
        "name",
        {"when": {}, "conditions": [], "actions": [], "position": 0, "active": False},
        frozenset({"actions"}),
    ),
    "macro": Shape("name", {"text": "", "actions": [], "team": ""}, frozenset({"actions"})),
    "desk": Shape("", {"kind": str(Desk().kind)}),
    "lifecycle": Shape("", asdict(Lifecycle())),
    "aftercare": Shape("", asdict(CsatSettings())),
    "incidents": Shape("", asdict(Detector())),
    "priority": Shape("", {"matrix": []}),
    "retention": Shape("", {"rules": []}),
}  # fmt: skip
"""In the order in which they must be made: what is named stands before what names it."""
UNSET = frozenset({"members", "signature", "imap", "slack_channel", "slack_user"})
"""What a new entry has only if the file says so; its other fields have their defaults."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry that is added, changed or removed; `changes` are field → (before, after)."""

    kind: str
    name: str
    what: str
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def words(self) -> str:
        """One line for people."""
        told = "; ".join(f"{name}: {_shown(a)} → {_shown(b)}" for name, (a, b) in self.changes.items())
        named = f" {self.name!r}" if self.name else ""
        return f"{self.what:8} {self.kind}{named}" + (f": {told}" if told else "")


def read(given: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """The entries of a file that TOML has read."""
    unknown = [name for name in given if name not in KINDS]
    if unknown:
        raise BadConfiguration(f"[[{unknown[0]}]] is nothing that a desk has; there are {', '.join(KINDS)}")
    return {kind: _entries(kind, given[kind]) for kind in KINDS if kind in given}


def completed(kind: str, entry: Entry, had: Entry | None) -> Entry:
    """The whole entry: what a file does not mention stays as it is, and is as by default where nothing was."""
    base = KINDS[kind].fields if had is None else had
    return {name: value for name, value in base.items() if name not in UNSET} | dict(entry)


def steps(wanted: State, present: State, *, prune: bool = False) -> list[Step]:
    """What leads from the present state to the wanted one; only kinds that are wanted are looked at."""
    made: list[Step] = []
    for kind in KINDS:
        if kind not in wanted:
            continue
        had = present.get(kind, {})
        made += [step for name, entry in wanted[kind].items() if (step := _step(kind, name, entry, had.get(name)))]
        if prune:
            made += [Step(kind, name, "removed") for name in had if name not in wanted[kind]]
    return made


def to_toml(state: State) -> str:
    """The whole state, with every field: what a file leaves out, it does not change."""
    return "\n".join(part for kind, shape in KINDS.items() for part in _tables(kind, shape, state.get(kind, {})))


def _entries(kind: str, given: Any) -> dict[str, dict[str, Any]]:
    if KINDS[kind].single:
        if not isinstance(given, Mapping):
            raise BadConfiguration(f"{kind} should be written [{kind}], once")
        return {"": _fields(KINDS[kind], given, f"[{kind}]")}
    if not isinstance(given, list):
        raise BadConfiguration(f"{kind} should be written [[{kind}]], once for each")
    found: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(given, 1):
        place = f"[[{kind}]] {number}"
        name, entry = _entry(KINDS[kind], one, place)
        if name in found:
            raise BadConfiguration(f"{place}: {name!r} is there twice")
        found[name] = entry
    return found


def _entry(shape: Shape, given: Any, place: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(given, Mapping):
        raise BadConfiguration(f"{place} should be a table")
    name = given.get(shape.key, "")
    if not isinstance(name, str) or not name.strip():
        raise BadConfiguration(f"{place}: {shape.key} is missing")
    entry = _fields(shape, given, f"{place} ({name})")
    return (name.strip().lower() if shape.key == "address" else name.strip()), entry


def _fields(shape: Shape, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The fields that are given."""
    unknown = set(given) - set(shape.fields) - {shape.key}
    if unknown:
        raise BadConfiguration(f"{place}: {sorted(unknown)[0]!r} is unknown; there are {', '.join(shape.fields)}")
    entry = {field: _value(shape, field, given, place) for field in shape.fields if field in given}
    if "when" in entry:
        entry["when"] = _trigger(entry["when"], f"{place}.when")
    if "matrix" in entry:
        entry["matrix"] = [" ".join(str(row).split()) for row in entry["matrix"]]
    if "rules" in entry:
        entry["rules"] = [_meant(one) if isinstance(one, Mapping) else one for one in entry["rules"]]
    return entry


def _meant(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing, so that the same written otherwise is the same."""
    return {name: value for name, value in given.items() if value not in ("", 0) or isinstance(value, bool)}


def _value(shape: Shape, field: str, given: Mapping[str, Any], place: str) -> Any:
    default, value = shape.fields[field], given[field]
    if field in shape.free and isinstance(value, list | dict):
        return value
    right = isinstance(value, type(default)) and isinstance(value, bool) == isinstance(default, bool)
    if not right:
        kinds = {bool: "true or false", int: "a whole number", str: "a text", list: "a list", dict: "a table"}
        raise BadConfiguration(f"{place}: {field} should be {kinds[type(default)]}")
    return value


def _trigger(given: Any, place: str) -> dict[str, Any]:
    """As it is kept, so that the same written otherwise is the same."""
    try:
        return read_trigger(given, place).to_json()
    except BadAutomation as error:
        raise BadConfiguration(str(error)) from error


def _step(kind: str, name: str, entry: Entry, had: Entry | None) -> Step | None:
    if had is None:
        return Step(kind, name, "added")
    changes = {key: (had.get(key), value) for key, value in entry.items() if had.get(key) != value}
    return Step(kind, name, "changed", changes) if changes else None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _tables(kind: str, shape: Shape, entries: Mapping[str, Entry]) -> Iterator[str]:
    for name, entry in entries.items():
        lines = [f"[{kind}]"] if shape.single else [f"[[{kind}]]", f"{shape.key} = {_toml(name)}"]
        lines += [f"{key} = {_toml(value)}" for key, value in entry.items()]
        yield "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_toml(one)}" for name, one in value.items() if one is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f"[{', '.join(map(_toml, value))}]"
    # A JSON text is a TOML text, but for one letter that TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.match(name) else _toml(name)
