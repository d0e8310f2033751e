"""SLA timers of a ticket as badges: text, colour, due time, and how it was computed. For pages and commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from desk.sla import explain as sla_explanation
from desk.sla.timers import Clock, State
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.sla import calendars
from storage.sla import policies as sla_policies
from usecases.sla import measure as sla_measure

SOON = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SlaBadge:
    """One SLA timer: `kind` is its colour's name, `word` its text; `lines` explain the due time."""

    target: str
    policy: str
    colour: str
    word: str
    clock: Clock
    lines: tuple[str, ...]


def badges(session: Session, ticket: Ticket, now: datetime) -> list[SlaBadge]:
    """The SLA timers of a ticket now, running ones first."""
    rows = sla_policies.list_all(session)
    if not rows:
        return []
    calendars_by_id = calendars.by_id(session)
    by_id = {row.id: sla_policies.to_policy(row, calendars_by_id) for row in rows}
    held = [by_id[row.id] for row in rows if row.active]
    measured = sla_measure.measure(session, [ticket], held, now, frozenset({ticket.id}))[ticket.id]
    result = []
    for target, clock in measured.clocks.items():
        policy, run = by_id.get(clock.policy_id, measured.policy), measured.runs.get(target)
        if policy is None or run is None:
            continue
        lines = tuple(sla_explanation.explain(policy, clock, run, now))
        word = sla_explanation.badge(clock, now)
        result.append(SlaBadge(clock.target.words, policy.name, colour(clock, now), word, clock, lines))
    return sorted(result, key=lambda due: (due.clock.state is not State.RUNNING, due.clock.started_at))


def colour(clock: Clock, now: datetime) -> str:
    """ "late", "soon", "running", "paused", "met", "missed" or "stopped"."""
    if clock.state is State.MET:
        return "missed" if clock.breached_at else "met"
    if clock.state is not State.STOPPED and clock.due_at and clock.due_at <= now:
        return "late"
    if clock.state is State.RUNNING:
        return "soon" if clock.warned_at else "running"
    return str(clock.state)


def due_badge(at: datetime | None, now: datetime) -> Markup:
    """The badge in a list: time until or since the due time, with the time itself as its title."""
    if at is None:
        return Markup("")
    late = at <= now
    word = f"{sla_explanation.roughly(now - at)} late" if late else f"in {sla_explanation.roughly(at - now)}"
    colour = "late" if late else "soon" if at - now <= SOON else "running"
    text = '<time class="due {}" datetime="{}" title="{}" data-age>{}</time>'
    return Markup(text).format(colour, f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M} UTC", word)
