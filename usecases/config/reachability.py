"""Finds rules that can never fire with the desk's current configuration; shown after every `apply`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from classifier import starter
from desk.channels import Channel
from desk.priority.levels import Priority
from desk.rules import conditions
from desk.rules.actions import Action
from desk.rules.reachability import Asking, Values, impossible, shadowed
from desk.tickets.ticket import Status
from storage.db.session import Session
from storage.learning import categories, keyword_rules
from storage.people import organisations, people
from storage.routing import rules as routing_rules
from storage.sla import policies
from storage.tickets import listings
from usecases.rules import automations, macros
from usecases.tickets import custom_fields

Named = tuple[str, tuple[conditions.Condition, ...]]


def unreachable(session: Session) -> list[str]:
    """A sentence for each rule that is on and can never fire."""
    values, routes = _values(session), routing_rules.active_rules(session)
    asking = [Asking(one.name, one.conditions, one.is_last, _sets(one.actions)) for one in routes]
    found = [*_impossible("route", ((one.name, one.conditions) for one in routes), values | _tags(session))]
    policy_rows = (one for one in policies.list_all(session) if one.active)
    found += _impossible("sla", ((one.name, conditions.read(list(one.conditions))) for one in policy_rows), values)
    rules = (one.rule for one in automations.list_all(session) if one.active)
    found += _impossible("automation", ((one.name, one.conditions) for one in rules), values)
    dead = shadowed(asking, values)
    return [*found, *(f"[[route]] {name!r} can never fire: {taker} comes first" for name, taker in dead.items())]


def _impossible(
    kind: str, rules: Iterable[tuple[str, tuple[conditions.Condition, ...]]], values: Values
) -> Iterator[str]:
    for name, asked in rules:
        why = impossible(asked, values)
        if why:
            yield f"[[{kind}]] {name!r} can never fire: it asks whether {why}"


def _values(session: Session) -> dict[str, frozenset[str]]:
    """What a ticket of this desk can have, where that is a closed list."""
    known = organisations.list_all(session)
    values: dict[str, Iterable[str]] = {
        "team": (one.name for one in people.all_teams(session)),
        "mailbox": (one.address for one in people.all_mailboxes(session)),
        "organisation": (one.name for one in known),
        "plan": (one.plan for one in known),
        "category": _categories(session),
        "channel": map(str, Channel),
        "priority": map(str, Priority),
        "status": map(str, Status),
    }
    return {field: frozenset(some) for field, some in values.items()} | _unknown_fields(session)


def _categories(session: Session) -> set[str]:
    """Those that the shipped model guesses, that somebody made, that a rule sets, and that tickets have."""
    own = {one.name: one.active for one in categories.list_all(session)}
    by_rule = {one.rule.category for one in keyword_rules.list_all(session)}
    by_action = {str(one.value) for one in _actions(session) if one.do == "category"}
    retired = {name for name, active in own.items() if not active}
    made = (set(starter.hints()) | set(own)) - retired
    return made | by_rule | by_action | set(listings.known_categories(session))


def _tags(session: Session) -> dict[str, frozenset[str]]:
    """For routing, which comes before any agent could tag a ticket."""
    given = [one.value for one in _actions(session) if one.do == "tag"]
    return {"tags": frozenset(tag for value in given for tag in ([value] if isinstance(value, str) else value))}


def _unknown_fields(session: Session) -> dict[str, frozenset[str]]:
    """Custom fields that rules ask for and nobody defined: no ticket has anything there."""
    defined = {f"field.{one.name}" for one in custom_fields.list_all(session)}
    asked = {name for rule in routing_rules.active_rules(session) for name in _fields(rule.conditions)}
    asked |= {name for kept in automations.list_all(session) for name in _fields(kept.rule.conditions)}
    return {name: frozenset() for name in asked if name.startswith("field.") and name not in defined}


def _fields(asked: Iterable[conditions.Condition]) -> Iterator[str]:
    for one in asked:
        yield one.field
        yield from _fields(one.parts)


def _actions(session: Session) -> Iterator[Action]:
    for route in routing_rules.active_rules(session):
        yield from route.actions
    for kept in automations.list_all(session):
        yield from kept.rule.actions
    for macro in macros.list_all(session):
        yield from macro.actions


def _sets(actions: Iterable[Action]) -> frozenset[str]:
    return frozenset(one.do for one in actions)
