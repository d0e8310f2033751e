"""Finds rules that can never fire or whose action does nothing, as the desk is now; shown after every `apply`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from classifier import starter
from desk.channels import Channel
from desk.priority.levels import Priority
from desk.routing.routing import Rule
from desk.rules import conditions
from desk.rules.actions import Action
from desk.rules.reachability import Asking, Values, impossible, shadowed
from desk.tickets.ticket import Status
from storage.db.session import Session
from storage.learning import categories, keyword_rules
from storage.people import organisations, people
from storage.people.people import Person
from storage.routing import rules as routing_rules
from storage.sla import policies
from storage.tickets import listings
from usecases.rules import automations, macros
from usecases.tickets import custom_fields


def unreachable(session: Session) -> list[str]:
    """A sentence for each active rule that can never fire, and for each route to nobody."""
    values, routes = _values(session), routing_rules.active_rules(session)
    asking = [Asking(rule.name, rule.conditions, rule.is_last, _sets(rule.actions)) for rule in routes]
    sentences = [*_impossible("route", ((rule.name, rule.conditions) for rule in routes), values | _tags(session))]
    policy_rows = (rule for rule in policies.list_all(session) if rule.active)
    sentences += _impossible(
        "sla", ((rule.name, conditions.read(list(rule.conditions))) for rule in policy_rows), values
    )
    rules = (rule.rule for rule in automations.list_all(session) if rule.active)
    sentences += _impossible("automation", ((rule.name, rule.conditions) for rule in rules), values)
    dead = shadowed(asking, values)
    sentences += (f"[[route]] {name!r} can never fire: {taker} comes first" for name, taker in dead.items())
    return [*sentences, *_routes_to_nobody(session, routes)]


def _routes_to_nobody(session: Session, routes: Iterable[Rule]) -> Iterator[str]:
    agents = [agent for agent in people.all_agents(session) if agent.active]
    for route in routes:
        for action in route.actions:
            if action.do == "team" and people.team_named(session, action.value) is None:
                yield f"[[route]] {route.name!r}: there is no team {action.value!r}"
            if action.do == "assign" and not _is_one_agent(agents, str(action.value)):
                yield f"[[route]] {route.name!r}: there is no agent {action.value!r}"


def _is_one_agent(agents: Iterable[Person], name: str) -> bool:
    return sum(name.lower() in (agent.address, agent.name.lower()) for agent in agents) == 1


def _impossible(
    kind: str, rules: Iterable[tuple[str, tuple[conditions.Condition, ...]]], values: Values
) -> Iterator[str]:
    for name, rule_conditions in rules:
        why = impossible(rule_conditions, values)
        if why:
            yield f"[[{kind}]] {name!r} can never fire: it asks whether {why}"


def _values(session: Session) -> dict[str, frozenset[str]]:
    """The possible values of a ticket's fields, where that is a closed list."""
    all_organisations = organisations.list_all(session)
    values: dict[str, Iterable[str]] = {
        "team": (row.name for row in people.all_teams(session)),
        "mailbox": (row.address for row in people.all_mailboxes(session)),
        "organisation": (row.name for row in all_organisations),
        "plan": (row.plan for row in all_organisations),
        "category": _categories(session),
        "channel": map(str, Channel),
        "priority": map(str, Priority),
        "status": map(str, Status),
    }
    return {field: frozenset(some) for field, some in values.items()} | _unknown_fields(session)


def _categories(session: Session) -> set[str]:
    """Those that the shipped model guesses, that somebody made, that a rule sets, and that tickets have."""
    own = {category.name: category.active for category in categories.list_all(session)}
    by_rule = {category.rule.category for category in keyword_rules.list_all(session)}
    by_action = {str(category.value) for category in _actions(session) if category.do == "category"}
    retired = {name for name, active in own.items() if not active}
    guessable = ((set(starter.hints()) - categories.absent(session)) | set(own)) - retired
    return guessable | by_rule | by_action | set(listings.known_categories(session))


def _tags(session: Session) -> dict[str, frozenset[str]]:
    """For routing, which comes before any agent could tag a ticket."""
    values = [action.value for action in _actions(session) if action.do == "tag"]
    return {"tags": frozenset(tag for value in values for tag in ([value] if isinstance(value, str) else value))}


def _unknown_fields(session: Session) -> dict[str, frozenset[str]]:
    """Custom fields that rules ask for and that do not exist: no ticket has a value there."""
    defined = {f"field.{field.name}" for field in custom_fields.list_all(session)}
    names = {name for rule in routing_rules.active_rules(session) for name in _fields(rule.conditions)}
    names |= {name for stored in automations.list_all(session) for name in _fields(stored.rule.conditions)}
    return {name: frozenset() for name in names if name.startswith("field.") and name not in defined}


def _fields(asked_conditions: Iterable[conditions.Condition]) -> Iterator[str]:
    for condition in asked_conditions:
        yield condition.field
        yield from _fields(condition.parts)


def _actions(session: Session) -> Iterator[Action]:
    for route in routing_rules.active_rules(session):
        yield from route.actions
    for stored in automations.list_all(session):
        yield from stored.rule.actions
    for macro in macros.list_all(session):
        yield from macro.actions


def _sets(actions: Iterable[Action]) -> frozenset[str]:
    return frozenset(action.do for action in actions)
