"""The sla job: measures the SLA timers of tickets, and records warnings, breaches and escalations, each once.

Events `sla_warned`, `sla_breached` and `sla_escalated` name the policy, the target and the reason; an escalation runs
the policy's actions. The timer remembers what was recorded, in the same transaction, so that a second run changes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from desk.rules import actions
from desk.sla import explain as sla_explanation
from desk.sla.timers import Happening
from desk.tickets.event_data import SlaTarget
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Event, Ticket
from storage.db.session import Session
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.rules import run_actions
from usecases.sla import measure as sla_measure
from usecases.sla import recalculate as sla_review
from usecases.sla.measure import MeasuredTicket
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

BATCH = 200
LATER = timedelta(hours=1)
"""A ticket whose timers cannot be measured is tried again then, so that it blocks no other."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Measures all tickets that are due, those in `first` first; returns how many."""
    done = 0
    while True:
        worked = isolation.batch(context, _work(context, first))
        done += worked
        if worked == 0 and not _review(context):
            return done


def _work(context: Context, first: Sequence[int]) -> Work[tuple[int, bool]]:
    """A row is a ticket to measure, and whether quietly."""

    def claim(session: Session) -> list[tuple[int, bool]]:
        return list(sla_timers.claim(session, context.now(), BATCH, first).items())

    def do(session: Session, rows: Sequence[tuple[int, bool]]) -> int:
        _measure(session, dict(rows), context.now())
        return len(rows)

    def put_off(session: Session, row: tuple[int, bool], _reason: str) -> None:
        # The request to measure was removed with the claim.
        sla_timers.request_measuring(session, [row[0]], context.now(), quiet=row[1])
        sla_timers.postpone(session, row[0], context.now() + LATER)

    return Work("sla", claim, do, lambda row: row[0], put_off=put_off)


def _review(context: Context) -> bool:
    """Some more tickets of a recalculation; whether there were any."""
    with context.store.database.transaction() as session:
        return sla_review.run_step(session, context.now())


def _measure(session: Session, claimed: dict[int, bool], now: datetime) -> None:
    if not claimed:
        return
    found = list(tickets.get_many(session, claimed, lock=True).values())
    quiet = frozenset(number for number, one in claimed.items() if one)
    measured = sla_measure.measure(session, found, sla_policies.active_policies(session), now, quiet)
    sla_measure.save_measured(session, measured)
    recorded = sum(_write_events(session, one, now, quiet=one.ticket.id in quiet) for one in measured.values())
    log.info("clocks_looked_at", count=len(measured), told=recorded)


def _write_events(session: Session, one: MeasuredTicket, now: datetime, *, quiet: bool) -> int:
    """Records what is due; a breach from before there was a policy is recorded without notices."""
    ticket = one.ticket
    for happening in one.happened:
        if quiet and happening.what is not EventKind.SLA_BREACHED:
            continue
        if happening.what is EventKind.SLA_ESCALATED:
            ticket = _escalate(session, ticket, one, happening, now)
        else:
            tickets.add_events(session, [_event(one, happening, now, quiet=quiet)])
    return len(one.happened)


def _event(one: MeasuredTicket, happening: Happening, now: datetime, *, quiet: bool) -> Event:
    assert one.policy is not None
    clock = one.clocks[happening.target]
    data = SlaTarget(
        target=str(happening.target),
        policy=one.policy.name,
        policy_id=one.policy.id,
        priority=str(one.ticket.priority),
        due_at=clock.due_at.isoformat() if clock.due_at else None,
        quiet=quiet,
    )
    why = sla_explanation.why(one.policy, clock, happening)
    words = happening.target.words
    return Event(one.ticket.id, now, happening.what, DESK, after=words, why=why, data=data)


def _escalate(session: Session, ticket: Ticket, one: MeasuredTicket, happening: Happening, now: datetime) -> Ticket:
    """Runs a step of the policy; its actions are events with the reason, and so is the step itself."""
    assert one.policy is not None
    step, why = (
        one.policy.escalations[happening.step],
        sla_explanation.why(one.policy, one.clocks[happening.target], happening),
    )
    values = {"ticket.number": str(ticket.id), "ticket.subject": ticket.subject}
    done = run_actions.run_actions(session, ticket, step.actions, run_actions.ActionContext(DESK, now, why, values))
    actions_text = "; ".join(
        [", ".join(map(actions.words, step.actions)), *(f"not done: {refusal}" for refusal in done.refused)]
    )
    tickets.add_events(session, [Event(ticket.id, now, EventKind.SLA_ESCALATED, DESK, after=actions_text, why=why)])
    return done.ticket
