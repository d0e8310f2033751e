"""Clocks: what a ticket's history and a policy make of time. What ran when, when it is due, what happens by now.

It takes a ticket's events in order, its policy, and the clock as it was written down before, and returns the clock as
it is. All of it follows from the history, so a clock may be read again at any time and comes out the same. It knows
nothing of rows.

First response starts with the ticket and is met by an agent's first public reply. Next response starts with the
requester's first message after a response and is met by the next public reply. Resolution runs until the ticket is
resolved. Reopened, it goes on with what was left, and so does a response that is still owed, also one that was not
delivered. Pending and on hold pause the clocks that the policy names. Notes, automatic mail and a bare thanks start
and stop nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from desk.priority.levels import Priority
from desk.sla import business_hours
from desk.sla.business_hours import Calendar, Span
from desk.sla.policy import Policy, Target
from desk.tickets.event_data import NonDelivery, Opening
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Event, Status
from desk.tickets.transitions import NOT_REOPENED

DONE = frozenset({Status.RESOLVED, Status.CLOSED})
WAITING = frozenset({Status.PENDING, Status.ON_HOLD})
RESPONSES = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE)


class State(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    STOPPED = "stopped"
    """Nobody waits, for now: resolved without a reply, or merged."""


@dataclass(frozen=True, slots=True)
class Run:
    """When one clock ran: whole `spans`, then from `since`, if it runs now."""

    started_at: datetime
    spans: tuple[Span, ...]
    since: datetime | None
    state: State
    at: datetime
    """Since when it is in this state."""

    @property
    def ended(self) -> bool:
        return self.state in (State.MET, State.STOPPED)


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of one ticket, as it is written down."""

    target: Target
    policy_id: int
    target_seconds: float
    state: State
    started_at: datetime
    due_at: datetime | None = None
    next_at: datetime | None = None
    paused_at: datetime | None = None
    left_seconds: float = 0
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None
    escalated: int = 0

    @property
    def ended(self) -> bool:
        return self.state in (State.MET, State.STOPPED)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is due by now; `step` is the place in `steps` of an escalation."""

    what: EventKind
    target: Target
    at: datetime
    step: int = 0


def runs(history: Iterable[Event], pausing: frozenset[Target]) -> dict[Target, Run]:
    """The newest run of each clock."""
    book = _Book(pausing)
    for event in history:
        book.read(event)
    return {target: tape.run() for target, tape in book.tapes.items()}


def used(run: Run, calendar: Calendar, now: datetime) -> float:
    """Seconds of business time that it has run."""
    spans = [*run.spans, (run.since, now)] if run.since else run.spans
    return sum(business_hours.between(calendar, start, end) for start, end in spans)


def reaches(run: Run, calendar: Calendar, seconds: float) -> datetime | None:
    """When it has run that long, if it goes on as it does now; None while it is paused before that.

    For a clock that has ended: when that would have been.
    """
    for number, (start, end) in enumerate(run.spans):
        took = business_hours.between(calendar, start, end)
        if took >= seconds or (run.ended and number == len(run.spans) - 1):
            return business_hours.add(calendar, start, seconds)
        seconds -= took
    return business_hours.add(calendar, run.since, seconds) if run.since else None


def steps(policy: Policy, seconds: float) -> list[int]:
    """The places of the policy's escalations in the order in which they come."""
    return sorted(range(len(policy.escalations)), key=lambda n: (policy.escalations[n].seconds(seconds), n))


def measure(
    policy: Policy, target: Target, priority: Priority, run: Run, before: Clock | None, now: datetime
) -> tuple[Clock | None, tuple[Happening, ...]]:
    """The clock as it is, and what happens by now: each thing once, since `before` remembers it."""
    same = before if before and before.started_at == run.started_at else None
    if same and same.ended and run.ended:
        return same, ()
    seconds = policy.seconds(target, priority)
    if seconds is None:
        return None, ()
    clock = _as_it_runs(policy, target, seconds, run, now)
    if same:
        clock = _remembering(clock, same, policy, run, now)
    return _by_now(clock, policy, run, now)


def nearest(clocks: Iterable[Clock]) -> datetime | None:
    """The ticket's due time: the next of its running clocks."""
    return min((one.due_at for one in clocks if one.state is State.RUNNING and one.due_at), default=None)


def _as_it_runs(policy: Policy, target: Target, seconds: float, run: Run, now: datetime) -> Clock:
    return Clock(
        target=target,
        policy_id=policy.id,
        target_seconds=seconds,
        state=run.state,
        started_at=run.started_at,
        due_at=reaches(run, policy.calendar, seconds),
        paused_at=run.at if run.state is State.PAUSED else None,
        left_seconds=seconds - used(run, policy.calendar, now),
        met_at=run.at if run.state is State.MET else None,
    )


def _remembering(clock: Clock, before: Clock, policy: Policy, run: Run, now: datetime) -> Clock:
    """What was told already is not told again, unless its moment is to come now: the target or calendar changed."""
    moments = _moments(policy, clock.target_seconds, run)[: before.escalated]
    warn_at = _warn_at(policy, clock.target_seconds, run)
    late = before.breached_at if _is_late(clock, clock.met_at or now) else None
    warned = before.warned_at if late or (warn_at and warn_at <= now) else None
    done = sum(1 for moment in moments if moment and moment <= now)
    return replace(clock, warned_at=warned, breached_at=late, escalated=done)


def _by_now(clock: Clock, policy: Policy, run: Run, now: datetime) -> tuple[Clock, tuple[Happening, ...]]:
    """What is due is told, and the next moment noted."""
    happened: list[Happening] = []
    if clock.breached_at is None and _is_late(clock, clock.met_at or now):
        clock = replace(clock, breached_at=now, warned_at=clock.warned_at or now)
        happened.append(Happening(EventKind.SLA_BREACHED, clock.target, clock.due_at or now))
    if run.ended:
        return clock, tuple(happened)
    warn_at = _warn_at(policy, clock.target_seconds, run)
    if clock.warned_at is None and warn_at and warn_at <= now:
        clock = replace(clock, warned_at=now)
        happened.append(Happening(EventKind.SLA_WARNED, clock.target, warn_at))
    order, moments = steps(policy, clock.target_seconds), _moments(policy, clock.target_seconds, run)
    while clock.escalated < len(order) and (moment := moments[clock.escalated]) and moment <= now:
        happened.append(Happening(EventKind.SLA_ESCALATED, clock.target, moment, order[clock.escalated]))
        clock = replace(clock, escalated=clock.escalated + 1)
    return replace(clock, next_at=_next(clock, warn_at, moments)), tuple(happened)


def _is_late(clock: Clock, end: datetime) -> bool:
    if clock.due_at is None or clock.state is State.STOPPED:
        return False
    return clock.due_at < end if clock.state is State.MET else clock.due_at <= end


def _next(clock: Clock, warn_at: datetime | None, moments: Sequence[datetime | None]) -> datetime | None:
    if clock.state is not State.RUNNING:
        return None
    open_ = [warn_at] * (clock.warned_at is None) + [clock.due_at] * (clock.breached_at is None)
    return min((one for one in (*open_, *moments[clock.escalated :]) if one is not None), default=None)


def _warn_at(policy: Policy, seconds: float, run: Run) -> datetime | None:
    if not 0 < policy.warn_percent < 100:
        return None
    return reaches(run, policy.calendar, seconds * policy.warn_percent / 100)


def _moments(policy: Policy, seconds: float, run: Run) -> list[datetime | None]:
    """When each escalation comes, in order."""
    return [reaches(run, policy.calendar, policy.escalations[n].seconds(seconds)) for n in steps(policy, seconds)]


class _Tape:
    """One clock while the history is read."""

    def __init__(self, at: datetime) -> None:
        self.started_at = self.at = at
        self.spans: list[Span] = []
        self.since: datetime | None = at
        self.state = State.RUNNING
        self.met_by: int | None = None

    def go(self, at: datetime) -> None:
        if self.since is None:
            self.since, self.at, self.state = at, at, State.RUNNING

    def stop(self, at: datetime, state: State) -> None:
        """Paused, met or stopped."""
        if self.since is not None:
            self.spans.append((self.since, at))
        self.since, self.at, self.state = None, at, state

    @property
    def ended(self) -> bool:
        return self.state in (State.MET, State.STOPPED)

    def run(self) -> Run:
        return Run(self.started_at, tuple(self.spans), self.since, self.state, self.at)


class _Book:
    """Reads a history, event by event."""

    def __init__(self, pausing: frozenset[Target]) -> None:
        self.pausing = pausing
        self.tapes: dict[Target, _Tape] = {}
        self.status = Status.NEW
        self.last: datetime | None = None

    def read(self, event: Event) -> None:
        # Two workers' events may be written a moment out of order.
        at = self.last = max(event.at, self.last or event.at)
        if event.kind == EventKind.OPENED and not event.data_as(Opening).automatic:
            self._opened(at)
        elif event.kind == EventKind.REQUESTER_REPLIED and event.why != NOT_REOPENED:
            self._asked(at)
        elif event.kind == EventKind.REPLIED and event.actor.kind is ActorKind.AGENT:
            self._answered(at, event.message_id)
        elif event.kind in (EventKind.UNDELIVERABLE, EventKind.DELIVERY_FAILED):
            self._not_delivered(at, event.data_as(NonDelivery).reply)
        elif event.kind in (EventKind.STATUS_CHANGED, EventKind.REOPENED) and event.after in set(Status):
            self._moved(at, Status(event.after))
        elif event.kind == EventKind.MERGED_INTO:
            self._merged(at)

    def _opened(self, at: datetime) -> None:
        self.tapes = {target: _Tape(at) for target in (Target.FIRST_RESPONSE, Target.RESOLUTION)}

    def _asked(self, at: datetime) -> None:
        if not self.tapes:
            # A machine opened it; now somebody waits.
            self._opened(at)
        elif all(self.tapes[t].state is State.MET for t in RESPONSES if t in self.tapes):
            self.tapes[Target.NEXT_RESPONSE] = _Tape(at)
            self._hold(Target.NEXT_RESPONSE, at)

    def _answered(self, at: datetime, reply_id: int | None) -> None:
        for target in RESPONSES:
            tape = self.tapes.get(target)
            if tape is not None and tape.state is not State.MET:
                tape.stop(tape.at if tape.ended else at, State.MET)
                tape.met_by = reply_id

    def _not_delivered(self, at: datetime, reply_id: int | None) -> None:
        """The response is owed again from now on; that it looked given before is nobody's fault."""
        for target in RESPONSES if reply_id else ():
            tape = self.tapes.get(target)
            if tape is not None and tape.state is State.MET and tape.met_by == reply_id:
                tape.go(at)
                self._hold(target, at)

    def _moved(self, at: datetime, status: Status) -> None:
        self.status = status
        for target, tape in self.tapes.items():
            if status in DONE:
                self._end(target, tape, at)
                continue
            waits_again = tape.state is State.STOPPED or (tape.ended and target is Target.RESOLUTION)
            if waits_again or (tape.state is State.PAUSED and status not in WAITING):
                tape.go(at)
            self._hold(target, at)

    def _end(self, target: Target, tape: _Tape, at: datetime) -> None:
        if not tape.ended:
            tape.stop(at, State.MET if target is Target.RESOLUTION else State.STOPPED)

    def _hold(self, target: Target, at: datetime) -> None:
        tape = self.tapes[target]
        if self.status in WAITING and target in self.pausing and tape.state is State.RUNNING:
            tape.stop(at, State.PAUSED)

    def _merged(self, at: datetime) -> None:
        """What the merge itself closed was not solved by it."""
        for tape in self.tapes.values():
            if not tape.ended or tape.at == at:
                tape.stop(at, State.STOPPED)
