"""Clocks in plain words: what is due and why, how the minutes add up.

It takes a policy, a clock and its run, and returns sentences, with times on the calendar's own wall clock. It knows
nothing of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from desk.sla import business_hours
from desk.sla import timers as sla_timers
from desk.sla.business_hours import Calendar, Span
from desk.sla.policy import Policy, Target, length
from desk.sla.timers import Clock, Happening, Run, State
from desk.tickets.events import EventKind

MOST_DAYS = 14
"""So many days of a run are told one by one; in between stands how many were left out."""


def why(policy: Policy, clock: Clock, happening: Happening) -> str:
    """The reason in the history and in notices."""
    target = f'policy "{policy.name}": {length(clock.target_seconds)} for the {clock.target.words}'
    if happening.what is EventKind.SLA_BREACHED:
        return f"{target} were over on {when(happening.at, policy.calendar)}"
    if happening.what is EventKind.SLA_WARNED:
        due = when(clock.due_at, policy.calendar) if clock.due_at else "later"
        return f"{target}, {policy.warn_percent} % of them used up; due {due}"
    return f"{target}, step {policy.escalations[happening.step].at}"


def when(at: datetime, calendar: Calendar) -> str:
    """ "Mon 2026-11-02 13:00 Europe/Berlin"."""
    return f"{at.astimezone(ZoneInfo(calendar.zone)):%a %Y-%m-%d %H:%M} {calendar.zone}"


def _local(at: datetime, calendar: Calendar) -> str:
    """The same without the zone, where it was said above."""
    return when(at, calendar).rpartition(" ")[0]


def badge(clock: Clock, now: datetime) -> str:
    """ "due in 2 h", "3 h late", "paused, 40 min left", "met", "met late"."""
    if clock.state is State.STOPPED:
        return "stopped"
    if clock.state is State.MET:
        return "met late" if clock.breached_at else "met"
    if clock.due_at and clock.due_at <= now:
        return f"{roughly(now - clock.due_at)} late"
    if clock.state is State.PAUSED:
        return f"paused, {length(max(clock.left_seconds, 0))} left"
    return f"due in {roughly(clock.due_at - now)}" if clock.due_at else "never due"


def roughly(span: timedelta) -> str:
    """Real time as people say it."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else "<1 min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" if minutes >= 600 or not minutes % 60 else f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def explain(policy: Policy, clock: Clock, run: Run, now: datetime) -> list[str]:
    """How the minutes of one clock add up."""
    calendar = policy.calendar
    said = [f"{clock.target.words}: {badge(clock, now)}", f"  {_target(policy, clock)}", f"  {_begun(clock, calendar)}"]
    total = 0.0
    for number, (start, end) in enumerate(_spans(run, now)):
        took = business_hours.between(calendar, start, end)
        total += took
        verb = "ran from" if number == 0 else "went on from"
        said.append(f"  {verb} {_local(start, calendar)} to {_local(end, calendar)}: {length(took)}")
        said += [f"    {line}" for line in _days(calendar, start, end)] if took != (end - start).total_seconds() else []
    said.append(f"  used {length(total)} of {length(clock.target_seconds)}{_rest(clock, total)}")
    return [*said, *(f"  {line}" for line in _outcome(policy, clock, run))]


def _spans(run: Run, now: datetime) -> list[Span]:
    return [*run.spans, (run.since, max(now, run.since))] if run.since else list(run.spans)


def _target(policy: Policy, clock: Clock) -> str:
    open_ = f'calendar "{policy.calendar_name}"' if policy.calendar_name else "every hour counts"
    return f'target {length(clock.target_seconds)} by policy "{policy.name}", {open_} ({policy.calendar.zone})'


def _begun(clock: Clock, calendar: Calendar) -> str:
    because = {
        Target.FIRST_RESPONSE: "the requester wrote first",
        Target.NEXT_RESPONSE: "the requester wrote again",
        Target.RESOLUTION: "the requester wrote first",
    }[clock.target]
    return f"started {_local(clock.started_at, calendar)}, when {because}"


def _rest(clock: Clock, total: float) -> str:
    left = clock.target_seconds - total
    return f", {length(left)} left" if left >= 0 else f", {length(-left)} too many"


def _outcome(policy: Policy, clock: Clock, run: Run) -> Iterator[str]:
    calendar = policy.calendar
    if clock.state is State.MET:
        yield f"met {_local(run.at, calendar)}"
    elif clock.state is State.STOPPED:
        yield f"stopped {_local(run.at, calendar)}: the ticket is done, or part of another"
    elif clock.state is State.PAUSED:
        yield f"paused since {_local(run.at, calendar)}: pending or on hold"
    if clock.due_at:
        yield f"due {_local(clock.due_at, calendar)}"
    elif clock.state is State.RUNNING:
        yield "never due: the calendar has not so much open time"
    else:
        yield "due again when it goes on"
    for place in sla_timers.steps(policy, clock.target_seconds):
        step = policy.escalations[place]
        at = sla_timers.reaches(run, calendar, step.seconds(clock.target_seconds))
        yield f"step {step.at}: {_local(at, calendar) if at else 'not while it is paused'}"


def _days(calendar: Calendar, start: datetime, end: datetime) -> list[str]:
    """Each day with open time in it, on the wall clock."""
    zone = ZoneInfo(calendar.zone)
    local = [(a.astimezone(zone), b.astimezone(zone)) for a, b in business_hours.open_spans(calendar, start, end)]
    said = []
    for day, spans in groupby(local, key=lambda span: span[0].date()):
        parts = list(spans)
        took = sum((_real(b) - _real(a)).total_seconds() for a, b in parts)
        said.append(f"{day:%a %Y-%m-%d} {', '.join(f'{a:%H:%M}–{b:%H:%M}' for a, b in parts)} = {length(took)}")
    if len(said) > MOST_DAYS:
        half = MOST_DAYS // 2
        said[half:-half] = [f"… {len(said) - 2 * half} more days …"]
    return said


def _real(at: datetime) -> datetime:
    """Two moments of one zone subtract by the wall clock, which is wrong in the nights when clocks change."""
    return at.astimezone(ZoneInfo("UTC"))
