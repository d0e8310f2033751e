"""What a ticket's history says in figures: when it was answered, solved, reopened, and how long it was in which status.

It takes a ticket as it stands (whose it is, what it is about), its events in order, its team's calendar, and returns
Facts, the one row that every report is made of. All of it follows from the events, so it may be counted again at any
time and comes out the same. It knows nothing of rows, and keeps no counter.

A response is an agent's public reply that was delivered. The next response is counted from the requester's first
message after a response; a bare thanks asks for nothing. A merged ticket has no figures of its own: it is counted in
the one that it went into.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from desk.reports.quantile_sketch import letter
from desk.sla import business_hours
from desk.sla.business_hours import ALWAYS, Calendar
from desk.tickets.event_data import NonDelivery
from desk.tickets.events import EventKind
from desk.tickets.lifecycle import ASIDE_BY
from desk.tickets.ticket import ActorKind, Event, Status, Ticket
from desk.tickets.transitions import NOT_REOPENED

DONE = frozenset({Status.RESOLVED, Status.CLOSED})
FIRST, NEXT, RESOLUTION = "first_response", "next_response", "resolution"
TARGETS = (FIRST, NEXT, RESOLUTION)


@dataclass(frozen=True, slots=True)
class Facts:
    """One ticket in figures. Seconds are whole; None where it has not happened (yet) or was not promised."""

    ticket_id: int
    opened_at: datetime
    resolved_at: datetime | None
    closed_at: datetime | None
    status: str
    channel: str
    category: str
    priority: str
    team_id: int | None
    agent_id: int | None
    organisation_id: int | None
    first_response_seconds: int | None
    first_response_business: int | None
    next_response_seconds: int | None
    next_response_business: int | None
    resolution_seconds: int | None
    resolution_business: int | None
    seconds_new: int
    seconds_open: int
    seconds_pending: int
    seconds_on_hold: int
    replies: int
    reopened: int
    one_touch: bool
    met_first_response: bool | None
    met_next_response: bool | None
    met_resolution: bool | None
    score: int | None
    opened_slot: int
    resolved_slot: int | None
    letters: str
    """The six lengths as `desk/reports/quantile_sketch.py` writes them, in the order of TARGETS, each by all and by
    business hours."""


_STATUSES = {str(one): one for one in Status}
SLOT_SECONDS = 900
"""Volume is counted by the quarter of an hour, because zones differ by quarters."""


@dataclass(slots=True)
class _Tape:
    """What the events have said so far."""

    opened_at: datetime
    status: Status
    since: datetime
    closed_at: datetime | None = None
    resolved_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: int | None = None
    asked_at: datetime | None = None
    replies: int = 0
    reopened: int = 0
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    span_by: int | None = None
    """The reply that ended the last span."""
    seconds: dict[Status, float] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    merged: bool = False
    aside: bool = False

    def read(self, event: Event) -> None:
        if event.kind != EventKind.OPENED:
            self.aside = event.why.startswith(ASIDE_BY) or (
                self.aside and event.kind not in (EventKind.REOPENED, EventKind.REPLIED)
            )
        if event.kind in (EventKind.STATUS_CHANGED, EventKind.REOPENED):
            self._moved(_STATUSES[event.after], event.at, again=event.kind == EventKind.REOPENED)
        elif event.kind == EventKind.REPLIED and event.actor.kind is ActorKind.AGENT:
            self._answered(event.at, event.message_id)
        elif (reply_id := event.data_as(NonDelivery).reply) and event.kind != EventKind.DELIVERY_DELAYED:
            self._not_delivered(reply_id)
        elif event.kind == EventKind.REQUESTER_REPLIED:
            if self.answered_at and not self.asked_at and event.why != NOT_REOPENED:
                self.asked_at = event.at
        elif event.kind == EventKind.SLA_BREACHED:
            self.late.add(event.after.replace(" ", "_"))
        elif event.kind == EventKind.MERGED_INTO:
            self.merged = True

    def _moved(self, to: Status, at: datetime, *, again: bool) -> None:
        self.seconds[self.status] = self.seconds.get(self.status, 0.0) + (at - self.since).total_seconds()
        if to in DONE:
            self.resolved_at = self.resolved_at or at
            # Whoever asked last got no reply, but what was asked is solved.
            self.asked_at = None
        else:
            self.resolved_at = None
        self.closed_at = at if to is Status.CLOSED else None
        self.status, self.since = to, at
        self.reopened += again

    def _answered(self, at: datetime, reply_id: int | None) -> None:
        self.replies += 1
        if self.answered_at is None:
            self.answered_at, self.answered_by = at, reply_id
        if self.asked_at:
            self.spans.append((self.asked_at, at))
            self.asked_at, self.span_by = None, reply_id

    def _not_delivered(self, reply_id: int) -> None:
        """The requester did not get it: the response is owed as if nobody had answered."""
        if self.answered_by == reply_id:
            self.answered_at = self.answered_by = None
        if self.span_by == reply_id:
            self.asked_at, self.span_by = self.spans.pop()[0], None


def facts(
    ticket: Ticket,
    events: Iterable[Event],
    calendar: Calendar = ALWAYS,
    *,
    promised: Collection[str] = (),
    score: int | None = None,
) -> Facts | None:
    """A ticket's figures; None for one that was merged, or closed as it came.

    `promised`: the targets for which it has a clock.
    """
    tape = _read(ticket, events)
    if tape.merged or tape.aside:
        return None
    opened, answered, resolved = tape.opened_at, tape.answered_at, tape.resolved_at
    lengths = _lengths(tape, calendar)
    return Facts(
        **dict[str, Any](lengths),
        **_of_row(ticket),
        opened_at=opened,
        resolved_at=resolved,
        closed_at=tape.closed_at,
        status=str(tape.status),
        seconds_new=round(tape.seconds.get(Status.NEW, 0)),
        seconds_open=round(tape.seconds.get(Status.OPEN, 0)),
        seconds_pending=round(tape.seconds.get(Status.PENDING, 0)),
        seconds_on_hold=round(tape.seconds.get(Status.ON_HOLD, 0)),
        replies=tape.replies,
        reopened=tape.reopened,
        one_touch=resolved is not None and tape.replies == 1 and not tape.reopened,
        met_first_response=_met(FIRST, tape, promised, ended=answered is not None),
        met_next_response=_met(NEXT, tape, promised, ended=bool(tape.spans)),
        met_resolution=_met(RESOLUTION, tape, promised, ended=resolved is not None),
        score=score,
        opened_slot=slot(opened),
        resolved_slot=None if resolved is None else slot(resolved),
        letters="".join(map(letter, lengths.values())),
    )


def _of_row(ticket: Ticket) -> dict[str, Any]:
    """What the figures are grouped by."""
    return {
        "ticket_id": ticket.id,
        "channel": ticket.channel,
        "category": ticket.category or "",
        "priority": str(ticket.priority),
        "team_id": ticket.team_id,
        "agent_id": ticket.assignee_id,
        "organisation_id": ticket.organisation_id,
    }


def slot(moment: datetime) -> int:
    """The quarter of an hour in which it lies, counted since 1970."""
    return int(moment.timestamp()) // SLOT_SECONDS


def _read(ticket: Ticket, events: Iterable[Event]) -> _Tape:
    tape: _Tape | None = None
    for event in events:
        if tape is None:
            # What came in as history from elsewhere may begin with another event.
            begins = event.at if event.kind == EventKind.OPENED else ticket.created_at
            tape = _Tape(begins, Status.NEW, begins)
        if event.kind == EventKind.OPENED and event.after:
            tape.status = _STATUSES[event.after]
        tape.read(event)
    return tape or _Tape(ticket.created_at, ticket.status, ticket.created_at)


def _lengths(tape: _Tape, calendar: Calendar) -> dict[str, int | None]:
    opened, answered, resolved = tape.opened_at, tape.answered_at, tape.resolved_at
    return {
        "first_response_seconds": _between(ALWAYS, opened, answered),
        "first_response_business": _between(calendar, opened, answered),
        "next_response_seconds": _middle(ALWAYS, tape.spans),
        "next_response_business": _middle(calendar, tape.spans),
        "resolution_seconds": _between(ALWAYS, opened, resolved),
        "resolution_business": _between(calendar, opened, resolved),
    }


def _between(calendar: Calendar, start: datetime, end: datetime | None) -> int | None:
    return None if end is None else round(business_hours.between(calendar, start, end))


def _middle(calendar: Calendar, spans: list[tuple[datetime, datetime]]) -> int | None:
    """The median of a ticket's own next responses."""
    return round(statistics.median(business_hours.between(calendar, *span) for span in spans)) if spans else None


def _met(target: str, tape: _Tape, promised: Collection[str], *, ended: bool) -> bool | None:
    """Broken once is broken; kept only when it was promised and is over."""
    if target in tape.late:
        return False
    return True if target in promised and ended else None
