"""Automations: saved switched off, tried on past tickets, switched on; and a row for each firing.

A version that was not tried cannot be switched on. When a rule fires: `desk/rules/automations.py`; who runs it:
`workers/timers/rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from desk.rules import automations as rules_automations
from desk.rules import conditions
from desk.rules.automations import Automation, BadAutomation
from desk.tickets.ticket import DESK, Event, Ticket
from storage.db.session import Session
from storage.db.statements import insert_ignore, upsert
from storage.runtime import failures
from storage.tables.desk import automation_firings, automations
from storage.tables.tickets import events
from storage.tables.tickets import tickets as tickets_table
from storage.tickets import ticket_facts, tickets
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext

log = structlog.get_logger()

TIMED = "run_timed_rules"
"""The job of timed rules; where one breaks, the failure stands under this name and the rule's number."""
MOST_DUE = 200
TRIED_ON = 500


@dataclass(frozen=True, slots=True)
class StoredAutomation:
    """A stored automation, whether it is on, and the result of its last trial."""

    id: int
    rule: Automation
    active: bool
    trial: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_tried(self) -> bool:
        return self.trial.get("fingerprint") == self.rule.fingerprint()


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """One ticket of a dry run, and the changes that the rule would make now."""

    ticket: Ticket
    changes: tuple[Event, ...]


def list_all(session: Session) -> list[StoredAutomation]:
    c = automations.c
    return [_stored(row._mapping) for row in session.execute(sa.select(automations).order_by(c.position, c.name))]


def active_automations(session: Session) -> list[StoredAutomation]:
    """The active automations; a row that cannot be read is left out."""
    c, stored = automations.c, []
    for row in session.execute(sa.select(automations).where(c.active).order_by(c.position, c.name)):
        try:
            stored.append(_stored(row._mapping))
        except Exception:
            log.exception("automation_not_understood", automation_id=row.id)
    return stored


def get(session: Session, name: str) -> StoredAutomation | None:
    row = session.execute(sa.select(automations).where(automations.c.name == name)).first()
    return _stored(row._mapping) if row else None


def save(session: Session, rule: Automation, now: datetime) -> None:
    """Stores a new automation, or a new version, which is off until it is tried. The same again changes nothing."""
    stored = get(session, rule.name)
    if stored and stored.rule.fingerprint() == rule.fingerprint() and stored.rule.position == rule.position:
        return
    keeps = stored is not None and stored.rule.fingerprint() == rule.fingerprint()
    row = {
        "name": rule.name,
        "position": rule.position,
        "trigger": rule.trigger.to_json() | ({"trial": dict(stored.trial)} if keeps and stored else {}),
        "conditions": list(rule.given.get("conditions", [])),
        "actions": rule.given.get("actions", []),
        "active": bool(keeps and stored and stored.active),
        "created_at": now,
    }
    upsert(session, automations, ("name",), row)
    if stored:
        failures.retry(session, [(TIMED, stored.id)])


def set_active(session: Session, stored: StoredAutomation, *, on: bool) -> None:
    """Switches it on or off; on only after a trial of this version."""
    if on and not stored.is_tried:
        raise BadAutomation(f"automation {stored.rule.name!r} must be tried before it is switched on")
    session.execute(sa.update(automations).where(automations.c.id == stored.id).values(active=on))


def remove(session: Session, stored: StoredAutomation) -> None:
    """Deletes the automation; its events stay in the tickets' histories."""
    session.execute(sa.delete(automation_firings).where(automation_firings.c.automation_id == stored.id))
    session.execute(sa.delete(automations).where(automations.c.id == stored.id))


def try_automation(
    session: Session, stored: StoredAutomation, now: datetime, most: int = TRIED_ON
) -> list[PlannedChanges]:
    """What it would change on the newest tickets; the result is stored, so that it may be switched on."""
    newest = tickets.page(session, most=most, statuses=sorted(stored.rule.trigger.statuses))
    would = plan_changes(session, stored.rule, newest, now)
    trial = {"at": now.isoformat(), "fingerprint": stored.rule.fingerprint(), "looked_at": len(newest)}
    row = stored.rule.trigger.to_json() | {"trial": trial | {"would_change": len(would)}}
    session.execute(sa.update(automations).where(automations.c.id == stored.id).values(trigger=row))
    return would


def plan_changes(
    session: Session, rule: Automation, candidates: Sequence[Ticket], now: datetime
) -> list[PlannedChanges]:
    """The tickets that fit, with what the rule would change; nothing is stored."""
    facts = ticket_facts.load_facts(session, candidates, now)
    doing = ActionContext(DESK, now, rule.why)
    fitting = [t for t in candidates if t.merged_into is None and conditions.hold(rule.conditions, facts[t.id])]
    would = [
        PlannedChanges(ticket, run_actions.plan_events(session, ticket, rule.actions, doing)) for ticket in fitting
    ]
    return [plan for plan in would if plan.changes]


def record_firing(session: Session, stored: StoredAutomation, ticket_id: int, event_id: int, now: datetime) -> bool:
    """Records that it fires for this event; False if it did so already."""
    row = {"automation_id": stored.id, "ticket_id": ticket_id, "event_id": event_id, "at": now}
    return session.execute(insert_ignore(session, automation_firings).values(**row)).rowcount == 1


def recent_firings(session: Session, ids: Iterable[int], since: datetime) -> dict[int, int]:
    """Ticket → firings since then."""
    c = automation_firings.c
    query = sa.select(c.ticket_id, sa.func.count()).where(c.ticket_id.in_(sorted(set(ids))), c.at > since)
    counted: Any = session.execute(query.group_by(c.ticket_id))
    return {row[0]: int(row[1]) for row in counted}


def due_tickets(
    session: Session, stored: StoredAutomation, now: datetime, after: int = 0, most: int = MOST_DUE
) -> dict[int, int]:
    """Tickets for which its time has come → the event since which they are silent, or the one that opened them.

    Each only once for that event: what rules did afterwards is no event that counts. In the order of their numbers;
    `after` pages on.
    """
    t, e, f = tickets_table.c, events.c, automation_firings.c
    trigger = stored.rule.trigger
    end = sa.func.min(e.id) if trigger.age_hours else sa.func.max(e.id)
    counts = ~e.why.startswith(rules_automations.WHY, autoescape=True)
    since = sa.select(end).where(e.ticket_id == t.id, counts).correlate(tickets_table).scalar_subquery()
    happened = sa.select(e.at).where(e.id == since).correlate(tickets_table).scalar_subquery()
    fired = sa.exists().where(f.automation_id == stored.id, f.ticket_id == t.id, f.event_id == since)
    before = now - timedelta(hours=trigger.age_hours or trigger.silent_hours)
    query = sa.select(t.id, since.label("event_id")).where(
        t.status.in_(sorted(map(str, trigger.statuses))), t.merged_into.is_(None), t.created_at <= before,
        happened <= before, ~fired, t.id > after,
    )  # fmt: skip
    return {row.id: row.event_id for row in session.execute(query.order_by(t.id).limit(most))}


def _stored(row: Mapping[str, Any] | sa.RowMapping) -> StoredAutomation:
    trigger = dict(row["trigger"])
    trial = trigger.pop("trial", {})
    content = {"name": row["name"], "when": trigger, "conditions": row["conditions"], "actions": row["actions"]}
    rule = replace(rules_automations.read(content, row["name"]), position=row["position"])
    return StoredAutomation(row["id"], rule, row["active"], trial)
