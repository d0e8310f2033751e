"""The parts of `desk.toml` that a desk has once: its kind, lifecycle, CSAT, incidents, the priority matrix, retention.

An entry becomes one setting, checked by its module. What was never set is not stored: then the shipped defaults count,
and an export leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from desk.config.desk_toml import BadConfiguration, Entry
from desk.incidents import detector as incident_detector
from desk.knowledge import csat as csat_rules
from desk.learning import desk_kind
from desk.tickets import lifecycle as lifecycle_rules
from storage.config import priority_matrix
from storage.db.session import Session
from storage.incidents import detector_settings
from storage.knowledge import csat_settings
from storage.learning import categories
from storage.runtime import key_values
from storage.tickets import lifecycle
from usecases.privacy import retention
from usecases.privacy.retention import Rule

_RULE = {"team": "", "category": "", "days": 0, "raw_days": 0}


def save(session: Session, kind: str, entry: Entry, now: datetime) -> None:
    """Stores the entry; ValueError where it is not valid."""
    match kind:
        case "desk":
            categories.set_desk(session, desk_kind.read(entry), now)
        case "lifecycle":
            lifecycle.set_rules(session, lifecycle_rules.read(entry))
        case "aftercare":
            csat_settings.set_rules(session, csat_rules.read(entry))
        case "incidents":
            detector_settings.set_rules(session, incident_detector.read(entry))
        case "priority":
            priority_matrix.set_matrix_rows(session, [str(row) for row in entry["matrix"]])
        case "retention":
            retention.set_rules(
                session, [_rule(place, rule_entry) for place, rule_entry in enumerate(entry["rules"], 1)]
            )


def putting(kind: str) -> Callable[[Session, str, Entry, datetime], None]:
    return lambda session, _name, entry, now: save(session, kind, entry, now)


def current_entry(session: Session, kind: str) -> dict[str, Entry]:
    """The entry, or None where it was never set."""
    key, read_entry = _STORED[kind]
    return {"": read_entry(session)} if key_values.get(session, key) is not None else {}


def presenting(kind: str) -> Callable[[Session], dict[str, Entry]]:
    return lambda session: current_entry(session, kind)


def _rule(place: int, entry: object) -> Rule:
    if not isinstance(entry, Mapping) or not set(entry) <= set(_RULE):
        raise BadConfiguration(f"rules[{place}] should be a table with {', '.join(_RULE)}")
    for name, value in entry.items():
        if type(value) is not type(_RULE[name]):
            kind = "a text" if isinstance(_RULE[name], str) else "a whole number"
            raise BadConfiguration(f"rules[{place}].{name} should be {kind}")
    return Rule(**entry)


def _as_entry(rule: Rule) -> dict[str, object]:
    """As short as a person would write it."""
    return {name: value for name, value in asdict(rule).items() if value}


_STORED: Mapping[str, tuple[str, Callable[[Session], Entry]]] = {
    "desk": (categories.KIND, lambda session: {"kind": str(categories.desk(session).kind)}),
    "lifecycle": (lifecycle.KEY, lambda session: asdict(lifecycle.rules(session))),
    "aftercare": (csat_settings.KEY, lambda session: asdict(csat_settings.rules(session))),
    "incidents": (detector_settings.KEY, lambda session: asdict(detector_settings.rules(session))),
    "priority": (
        priority_matrix.KEY,
        lambda session: {"matrix": list(key_values.get(session, priority_matrix.KEY) or ())},
    ),
    "retention": (retention.RULES, lambda session: {"rules": [_as_entry(one) for one in retention.rules(session)]}),
}
KINDS = tuple(_STORED)
