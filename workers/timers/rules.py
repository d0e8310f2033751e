"""Runs automations: those that an event triggers while it is processed, and timed ones by the run_timed_rules job.

A rule's actions run in the transaction that claimed the event, so once; each action is an event that names the rule. A
desk without automations pays a look at a list a few seconds old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from structlog.contextvars import bound_contextvars

from desk.rules import automations as rules_automations
from desk.rules import conditions
from desk.tickets.event_data import RuleRun
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Change, Event, Ticket
from storage.db.session import Session, is_conflict, is_outage
from storage.runtime import failures
from storage.runtime.failures import reason_of
from storage.tickets import ticket_facts, tickets
from usecases.rules import automations, run_actions
from usecases.rules.automations import StoredAutomation
from usecases.rules.run_actions import ActionContext
from workers.runtime.context import Context

log = structlog.get_logger()

LOOK_EVERY = timedelta(minutes=2)
"""Timed rules have conditions in hours: checking every few minutes is enough."""
_HOUR = timedelta(hours=1)
_CAPPED = EventKind.AUTOMATIONS_CAPPED


def on_events(context: Context, session: Session, happened: Sequence[tuple[int, Event]], now: datetime) -> None:
    """Runs the rules that these events trigger."""
    on = [kept for kept in context.configuration(session).automations if kept.rule.trigger.events]
    kinds = {kind for kept in on for kind in kept.rule.trigger.events}
    triggering = [
        (number, e) for number, e in happened if e.kind in kinds and not e.why.startswith(rules_automations.WHY)
    ]
    if not triggering:
        return
    recent_firings = automations.recent_firings(session, {e.ticket_id for _, e in triggering}, now - _HOUR)
    for number, event in triggering:
        for kept in on:
            if event.kind in kept.rule.trigger.events:
                _fire_alone(session, _Firing(kept, event.ticket_id, number, event.kind), now, recent_firings)


def drain(context: Context) -> int:
    """Runs the timed rules, in one transaction; idempotent."""
    with context.store.database.transaction() as session:
        return by_time(context, session, context.now())


def by_time(context: Context, session: Session, now: datetime) -> int:
    """Whatever has been silent or is old enough; returns how many firings there were. A rule that breaks is put off."""
    timed = [kept for kept in context.configuration(session).automations if kept.rule.trigger.is_timed]
    put_off = failures.waiting(session, automations.TIMED, now)
    return sum(_rule(session, kept, now) for kept in timed if kept.id not in put_off)


def _rule(session: Session, kept: StoredAutomation, now: datetime) -> int:
    return failures.attempt(session, automations.TIMED, kept.id, lambda: _sweep(session, kept, now), now)


def _sweep(session: Session, kept: StoredAutomation, now: datetime) -> int:
    """All tickets whose time has come, page by page: those that do not fit keep nobody waiting."""
    fired, after = 0, 0
    while ready := automations.due_tickets(session, kept, now, after):
        after = max(ready)
        found = list(tickets.get_many(session, ready).values())
        facts = ticket_facts.load_facts(session, found, now)
        recent_firings = automations.recent_firings(session, [ticket.id for ticket in found], now - _HOUR)
        for ticket in found:
            firing = _Firing(kept, ticket.id, ready[ticket.id], "")
            fired += _fire_alone(session, firing, now, recent_firings, facts[ticket.id])
    return fired


@dataclass(frozen=True, slots=True)
class _Firing:
    """A rule, the ticket that it may fire upon, and the event that it fires for, once."""

    kept: StoredAutomation
    ticket_id: int
    event_id: int
    kind: str


def _fire_alone(
    session: Session,
    firing: _Firing,
    now: datetime,
    recent_firings: dict[int, int],
    facts: conditions.TicketFacts | None = None,
) -> bool:
    """Runs the firing in a savepoint: a rule that fails on this ticket is noted there, once, and stops nothing else."""
    kept = firing.kept
    try:
        if facts is not None and not conditions.hold(kept.rule.conditions, facts):
            return False
        with bound_contextvars(ticket_id=firing.ticket_id, automation_id=kept.id), session.savepoint():
            return _fire(session, firing, now, recent_firings)
    except Exception as error:
        if is_outage(error) or is_conflict(error):
            raise
        log.exception("automation_failed", automation_id=kept.id, ticket_id=firing.ticket_id)
        _note_failure(session, firing, reason_of(error), now)
        return False


def _note_failure(session: Session, firing: _Firing, reason: str, now: datetime) -> None:
    kept = firing.kept
    if automations.record_firing(session, kept, firing.ticket_id, firing.event_id, now):
        why = f"{kept.rule.why} could not be judged: {reason}"
        tickets.add_events(
            session,
            [Event(firing.ticket_id, now, EventKind.AUTOMATION_FAILED, DESK, "", kept.rule.name, why)],
            react=False,
        )


def _fire(session: Session, firing: _Firing, now: datetime, recent_firings: dict[int, int]) -> bool:
    """One rule on one ticket, if its conditions hold by now."""
    kept, ticket_id = firing.kept, firing.ticket_id
    ticket = tickets.get(session, ticket_id, lock=True)
    if ticket is None or ticket.merged_into is not None:
        return False
    facts = ticket_facts.load_facts(session, [ticket], now)[ticket.id]
    if not conditions.hold(kept.rule.conditions, {**facts, "event": firing.kind}):
        return False
    if recent_firings.get(ticket_id, 0) >= rules_automations.MOST_AN_HOUR:
        _cap(session, ticket, kept, now)
        return False
    if not automations.record_firing(session, kept, ticket_id, firing.event_id, now):
        return False
    recent_firings[ticket_id] = recent_firings.get(ticket_id, 0) + 1
    _act(session, kept, ticket, now, facts)
    return True


def _act(
    session: Session, kept: StoredAutomation, ticket: Ticket, now: datetime, facts: conditions.TicketFacts
) -> None:
    values = {name: str(value) for name, value in facts.items() if isinstance(value, str | int | float)}
    doing = ActionContext(
        replace(DESK, name=f"{DESK.name} (rule)"), now, kept.rule.why, values | {"ticket": str(ticket.id)}
    )
    done = run_actions.run_actions(session, ticket, kept.rule.actions, doing)
    what = ", ".join(f"{action.do}" for action in kept.rule.actions)
    refused = "; ".join(done.refused)
    event = Event(
        ticket.id, now, EventKind.AUTOMATION_FIRED, doing.actor, "", kept.rule.name, kept.rule.why, RuleRun(did=what)
    )
    if refused:
        event = replace(event, why=f"{kept.rule.why}, but not {refused}", data=RuleRun(did=what, refused=refused))
    tickets.add_events(session, [event])
    log.info("automation_fired", automation_id=kept.id, ticket_id=ticket.id, refused=len(done.refused))


def _cap(session: Session, ticket: Ticket, kept: StoredAutomation, now: datetime) -> None:
    """Notes the cap once an hour and ticket, so that an admin checks the rules."""
    if any(e.kind == _CAPPED and now - e.at < _HOUR for e in tickets.history(session, ticket.id)):
        return
    why = (
        f"{kept.rule.why} and others fired {rules_automations.MOST_AN_HOUR} times within an hour: the rest is left out"
    )
    tickets.save(session, Change(ticket, (Event(ticket.id, now, _CAPPED, DESK, why=why),)))
