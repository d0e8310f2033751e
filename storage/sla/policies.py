"""Rows of SLA policies in their order, checked before they are stored; what they mean is in `desk/sla/policy.py`.

A ticket has the first policy whose conditions it fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from desk.sla import policy as sla_policy
from desk.sla.business_hours import ALWAYS
from desk.sla.policy import BadPolicy, Policy
from storage.db.session import Session
from storage.db.statements import upsert
from storage.sla import calendars
from storage.sla import timers as sla_timers
from storage.tables.desk import sla_policies


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A stored policy; without a calendar it counts every hour."""

    name: str
    targets: Mapping[str, Any]
    conditions: Sequence[Any] = ()
    escalations: Sequence[Any] = ()
    calendar_id: int | None = None
    warn_percent: int = 80
    position: int = 0
    active: bool = True
    id: int = field(default=0)


def list_all(session: Session) -> list[PolicyRow]:
    """All policies in their order, also inactive ones."""
    query = sa.select(sla_policies).order_by(sla_policies.c.position, sla_policies.c.id)
    return [PolicyRow(**row._mapping) for row in session.execute(query)]


def get(session: Session, policy_id: int) -> PolicyRow | None:
    return next((policy for policy in list_all(session) if policy.id == policy_id), None)


def get_by_name(session: Session, name: str) -> PolicyRow | None:
    return next((policy for policy in list_all(session) if policy.name.lower() == name.strip().lower()), None)


def save(session: Session, policy: PolicyRow) -> PolicyRow:
    """Stores a policy by its id, or by its name if it has none; BadPolicy and the like if it is not valid."""
    if not policy.name.strip():
        raise BadPolicy("policy: a name is missing")
    to_policy(policy, calendars.by_id(session))
    values = asdict(policy) | {"name": policy.name.strip(), "targets": dict(policy.targets)}
    values |= {"conditions": list(policy.conditions), "escalations": list(policy.escalations)}
    policy_id = values.pop("id")
    stored = get(session, policy_id) if policy_id else get_by_name(session, policy.name)
    if policy_id:
        session.execute(sa.update(sla_policies).where(sla_policies.c.id == policy_id).values(**values))
    else:
        upsert(session, sla_policies, ("name",), values)
    same_name = get_by_name(session, policy.name)
    assert same_name is not None
    if stored != same_name:
        sla_timers.request_recalculation(session, f"policy {same_name.name} changed")
    return same_name


def remove(session: Session, policy_id: int) -> None:
    session.execute(sa.delete(sla_policies).where(sla_policies.c.id == policy_id))
    sla_timers.request_recalculation(session, "a policy is gone")


def any_active(session: Session) -> bool:
    return session.execute(sa.select(sla_policies.c.id).where(sla_policies.c.active).limit(1)).scalar() is not None


def active_policies(session: Session) -> tuple[Policy, ...]:
    """The active policies, in order."""
    return to_policies(session, list_all(session))


def to_policies(session: Session, rows: Sequence[PolicyRow]) -> tuple[Policy, ...]:
    """The policies of these rows, in order; inactive ones are left out."""
    calendars_by_id = calendars.by_id(session)
    active_rows = sorted((row for row in rows if row.active), key=lambda row: (row.position, row.id or float("inf")))
    return tuple(to_policy(row, calendars_by_id) for row in active_rows)


def to_policy(row: PolicyRow, calendars_by_id: Mapping[int, tuple[str, Any]]) -> Policy:
    """The policy of one row."""
    place = f"policy {row.name!r}"
    if row.calendar_id is not None and row.calendar_id not in calendars_by_id:
        raise BadPolicy(f"{place}: its calendar is gone")
    name, calendar = calendars_by_id[row.calendar_id] if row.calendar_id is not None else ("", ALWAYS)
    targets, pausing = sla_policy.read_targets(row.targets, f"{place}.targets")
    return Policy(
        id=row.id,
        name=row.name,
        targets=targets,
        conditions=sla_policy.read_conditions(list(row.conditions), f"{place}.conditions"),
        calendar=calendar,
        calendar_name=name,
        warn_percent=sla_policy.read_percent(row.warn_percent, f"{place}.warn_percent"),
        escalations=sla_policy.read_escalations(list(row.escalations), f"{place}.escalations"),
        pausing=pausing,
    )
