"""Rows of routing rules in their order, checked before they are stored; `desk.routing` gives them their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from desk.routing.routing import BadRouting, Rule, read_rule
from storage.db.session import Session
from storage.db.statements import update_rows, upsert
from storage.tables.desk import routing_rules

log = structlog.get_logger()

STEP = 10


@dataclass(frozen=True, slots=True)
class StoredRoutingRule:
    """A stored rule; `rule` is None where this release cannot read it, and `problem` says why."""

    id: int
    name: str
    position: int
    active: bool
    conditions: Any
    actions: Any
    rule: Rule | None
    problem: str = ""


def list_all(session: Session) -> list[StoredRoutingRule]:
    c = routing_rules.c
    return [_stored(row) for row in session.execute(sa.select(routing_rules).order_by(c.position, c.id))]


def get_by_name(session: Session, name: str) -> StoredRoutingRule | None:
    """The rule of that name, in any letter case."""
    return next((rule for rule in list_all(session) if rule.name.lower() == name.strip().lower()), None)


def active_rules(session: Session) -> tuple[Rule, ...]:
    """The active rules in order. A rule that cannot be read is left out, and no mail waits for it."""
    rules = list_all(session)
    for stored in rules:
        if stored.active and stored.rule is None:
            log.warning("routing_rule_left_out", rule_id=stored.id)
    return tuple(stored.rule for stored in rules if stored.active and stored.rule is not None)


def save(
    session: Session, name: str, conditions: Any, actions: Any, *, position: int | None = None, active: bool = True
) -> StoredRoutingRule:
    """Stores a new rule at the end, or a new version in its place; BadRouting if it is not valid."""
    name = " ".join(name.split())
    if not name or len(name) > 100:
        raise BadRouting("a rule's name has 1 to 100 letters")
    read_rule(name, conditions, actions, f"rule {name!r}")
    before = get_by_name(session, name)
    place = position if position is not None else before.position if before else _end(session)
    row = {"name": before.name if before else name, "position": place, "active": active}
    upsert(session, routing_rules, ("name",), row | {"conditions": conditions, "actions": actions})
    existing = get_by_name(session, name)
    assert existing is not None
    return existing


def set_active(session: Session, stored: StoredRoutingRule, *, on: bool) -> None:
    if on and stored.rule is None:
        raise BadRouting(stored.problem)
    session.execute(sa.update(routing_rules).where(routing_rules.c.id == stored.id).values(active=on))


def remove(session: Session, stored: StoredRoutingRule) -> None:
    session.execute(sa.delete(routing_rules).where(routing_rules.c.id == stored.id))


def move(session: Session, stored: StoredRoutingRule, by: int) -> None:
    """Moves a rule down by so many places (up: negative)."""
    order = [rule.id for rule in list_all(session)]
    place = order.index(stored.id)
    order.insert(max(0, min(len(order) - 1, place + by)), order.pop(place))
    _renumber(session, order)


def _renumber(session: Session, order: Sequence[int]) -> None:
    rows = [{"id": number, "position": place * STEP} for place, number in enumerate(order, 1)]
    update_rows(session, routing_rules, "id", rows)


def _end(session: Session) -> int:
    return (
        int(session.execute(sa.select(sa.func.coalesce(sa.func.max(routing_rules.c.position), 0))).scalar_one()) + STEP
    )


def _stored(row: Any) -> StoredRoutingRule:
    rule, problem = None, ""
    try:
        rule = read_rule(row.name, row.conditions, row.actions, f"rule {row.name!r}")
    except BadRouting as error:
        problem = str(error)
    return StoredRoutingRule(
        row.id, row.name, row.position, bool(row.active), row.conditions, row.actions, rule, problem
    )
