"""Measures the SLA timers of many tickets: which policy each has, the state of its timers, and what is due by now.

The SLA job, previews and explanations use it. Notices and escalations follow in the workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from desk.sla import policy as sla_policy
from desk.sla import timers as rules
from desk.sla.policy import Policy, Target
from desk.sla.timers import Clock, Happening, Run
from desk.tickets.ticket import Event, Ticket
from storage.db.session import Session
from storage.sla import timers as sla_timers
from storage.tickets import ticket_facts


@dataclass(frozen=True, slots=True)
class MeasuredTicket:
    """One ticket's timers, before and now."""

    ticket: Ticket
    policy: Policy | None
    before: Mapping[Target, Clock]
    clocks: Mapping[Target, Clock]
    runs: Mapping[Target, Run] = field(default_factory=dict)
    happened: tuple[Happening, ...] = ()

    @property
    def due_at(self) -> datetime | None:
        return rules.nearest(self.clocks.values())


def measure(
    session: Session,
    tickets_now: Sequence[Ticket],
    policies: Sequence[Policy],
    now: datetime,
    quiet: frozenset[int] = frozenset(),
) -> dict[int, MeasuredTicket]:
    """Ticket → its timers. For those in `quiet`, targets that were met or missed before they had a policy make no
    event.
    """
    ids = [ticket.id for ticket in tickets_now]
    events_of = sla_timers.histories(session, ids)
    before = sla_timers.clocks_of_tickets(session, ids)
    facts = (
        ticket_facts.load_facts(session, tickets_now, now)
        if any(candidate.conditions for candidate in policies)
        else {}
    )
    by_ticket = {}
    for ticket in tickets_now:
        policy = sla_policy.policy_for(policies, facts.get(ticket.id, {}))
        by_ticket[ticket.id] = _measure_ticket(
            ticket, policy, before[ticket.id], events_of[ticket.id], now, ticket.id in quiet
        )
    return by_ticket


def save_measured(session: Session, measured: Mapping[int, MeasuredTicket]) -> None:
    """Stores the measured timers."""
    before = {number: result.before for number, result in measured.items()}
    sla_timers.save(session, before, {number: result.clocks for number, result in measured.items()})
    changed = {number: result.due_at for number, result in measured.items() if result.due_at != result.ticket.due_at}
    sla_timers.save_due_times(session, changed)


def _measure_ticket(
    ticket: Ticket,
    policy: Policy | None,
    before: Mapping[Target, Clock],
    events: Sequence[Event],
    now: datetime,
    quiet: bool,
) -> MeasuredTicket:
    if policy is None:
        return MeasuredTicket(ticket, None, before, {t: c for t, c in before.items() if c.ended})
    clocks_now: dict[Target, Clock] = {}
    happened: list[Happening] = []
    runs = rules.runs(events, policy.pausing)
    for target, run in runs.items():
        if quiet and run.ended and target not in before:
            continue
        clock, news = rules.measure(policy, target, ticket.priority, run, before.get(target), now)
        if clock is not None:
            clocks_now[target] = clock
            happened += news
    return MeasuredTicket(ticket, policy, before, clocks_now, runs, tuple(happened))
