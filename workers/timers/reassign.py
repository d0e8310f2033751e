"""The reassign job: finds an assignee for tickets that lost theirs or never had one.

These are tickets of agents who left or hand over their work while away, unassigned tickets of routing teams, flagged
tickets whose team has capacity again, and flags that have waited for too long. It is idempotent. A ticket that cannot
be routed is put off with its reason, and the others get their owners.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from desk.routing.routing import Strategy, hindrance
from desk.sla.business_hours import between
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Change, Event, Ticket
from storage.db.session import Session, enqueue
from storage.people import availability
from storage.routing import unassigned
from storage.routing.unassigned import JOB
from storage.tickets import ticket_facts, tickets
from usecases.routing import assign as assignment
from usecases.routing.assign import RoutingRequest, RoutingSetup
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

BATCH = 100
FREES = (
    EventKind.STATUS_CHANGED,
    EventKind.REOPENED,
    EventKind.TEAM_CHANGED,
    EventKind.ASSIGNED,
    EventKind.WOKEN,
    EventKind.SPLIT,
    EventKind.MERGED_INTO,
)
"""After these events an agent may have capacity again, or a ticket may be unassigned."""


def drain(context: Context) -> int:
    """Assigns every ticket that can be assigned now; returns how many tickets changed."""
    with context.store.database.reading() as session:
        if not needed(session, assignment.load_setup(session), context.now()):
            return 0
    return _of_absent_agents(context) + _unowned(context) + _flagged(context) + _escalate(context)


def on_events(session: Session, by: RoutingSetup, happened: Sequence[Event]) -> None:
    """Enqueues the job if these events may have freed an agent, or left a ticket unassigned."""
    if by.active and any(event.kind in FREES and not event.data.opening for event in happened):
        enqueue(session, JOB, 0)


def needed(session: Session, by: RoutingSetup, now: datetime) -> bool:
    """Whether there is anything to assign; it only reads, so it blocks no writer."""
    return bool(unassigned.list_leaving_agents(session, now)) or (
        by.active and (unassigned.has_flags(session) or bool(unassigned.list_unowned(session, by.automatic, now, 1)))
    )


def _of_absent_agents(context: Context) -> int:
    """Tickets of agents who left, and open ones of those who are away and hand over."""

    def claim(session: Session) -> list[Ticket]:
        gone = unassigned.list_leaving_agents(session, context.now())
        ids = unassigned.tickets_to_reassign(session, gone, context.now(), BATCH)
        return [t for t in tickets.get_many(session, ids, lock=True).values() if t.assignee_id in gone]

    def do(session: Session, held: Sequence[Ticket]) -> int:
        gone = unassigned.list_leaving_agents(session, context.now())
        leaving = {t.id: f"{gone[t.assignee_id].name} {gone[t.assignee_id].why}" for t in held if t.assignee_id in gone}
        by = assignment.load_setup(session)
        asked = _asked(session, by, [ticket for ticket in held if ticket.id in leaving])
        return _route(context, session, by, [replace(one, leaving=leaving[one.ticket.id]) for one in asked])

    return isolation.drain(context, lambda: _work(claim, do))


def _unowned(context: Context) -> int:
    """Open tickets of routing teams that nobody owns and that carry no flag: moved, given back, or from before."""

    def claim(session: Session) -> list[Ticket]:
        by = assignment.load_setup(session)
        ids = unassigned.list_unowned(session, by.automatic, context.now(), BATCH) if by.automatic else []
        found = tickets.get_many(session, ids, lock=True).values()
        return [t for t in found if t.assignee_id is None and t.unroutable_at is None and t.merged_into is None]

    def do(session: Session, held: Sequence[Ticket]) -> int:
        by = assignment.load_setup(session)
        return _route(context, session, by, _asked(session, by, held))

    return isolation.drain(context, lambda: _work(claim, do))


def _flagged(context: Context) -> int:
    """Flagged tickets of teams where somebody has room, the most urgent first; those that cannot go are passed over."""
    done = passed = 0
    while True:
        page: list[int] = []
        given = isolation.batch(context, _work(partial(_claim_flagged, context, page, passed), partial(_give, context)))
        done, passed = done + given, passed + len(page) - given
        if len(page) < BATCH:
            return done


def _claim_flagged(context: Context, page: list[int], passed: int, session: Session) -> list[Ticket]:
    """The next flagged tickets after those that were passed over; `page` has all that were looked at."""
    now, by = _now(context), assignment.load_setup(session)
    flagged = set(unassigned.flagged_teams(session)) & set(by.automatic)
    teams = availability.load_availability(session, flagged).teams
    room = [n for n, team in teams.items() if any(not hindrance(one, now)[0] for one in team.members)]
    page[:] = unassigned.list_flagged(session, room, now, passed, BATCH) if room else []
    found = tickets.get_many(session, page, lock=True)
    return [found[n] for n in page if found[n].assignee_id is None and found[n].unroutable_at is not None]


def _give(context: Context, session: Session, held: Sequence[Ticket]) -> int:
    now, by = _now(context), assignment.load_setup(session)
    return _route(
        context, session, by, [replace(one, late=_is_late(by, one.ticket, now)) for one in _asked(session, by, held)]
    )


def _escalate(context: Context) -> int:
    """Escalates flags whose time is over; from then on skills do not count."""

    def claim(session: Session) -> list[Ticket]:
        ids = unassigned.list_unescalated(session, _now(context), BATCH)
        return list(tickets.get_many(session, ids, lock=True).values())

    def do(session: Session, held: Sequence[Ticket]) -> int:
        now, by = _now(context), assignment.load_setup(session)
        late = [ticket for ticket in held if ticket.unroutable_at is not None and _is_late(by, ticket, now)]
        tickets.save_locked(session, [_escalated(ticket, now) for ticket in late], react=context.react)
        if late:
            log.info("unroutable_escalated", count=len(late))
            enqueue(session, JOB, 0)
        return len(late)

    return isolation.drain(context, lambda: _work(claim, do))


def _work(claim: Callable[[Session], Sequence[Ticket]], do: Callable[[Session, Sequence[Ticket]], int]) -> Work[Ticket]:
    return Work(JOB, claim, do, lambda ticket: ticket.id)


def _route(context: Context, session: Session, by: RoutingSetup, asked: Sequence[RoutingRequest]) -> int:
    """Those that changed owner or flag."""
    if not asked:
        return 0
    now = _now(context)
    made, found = assignment.route(session, asked, by, now)
    changed = [one for one in made if one.change.events]
    assignment.save_results(session, changed, found, now, react=context.react)
    if changed:
        log.info("tickets_rerouted", count=len(changed))
    return len(changed)


def _asked(session: Session, by: RoutingSetup, found: Sequence[Ticket]) -> list[RoutingRequest]:
    """The routing requests, with the requester's previous agent, and skills and returns from the history."""
    around, past = (
        ticket_facts.load_around(session, found),
        unassigned.load_memory(session, [ticket.id for ticket in found]),
    )
    previous = assignment.previous_agents(session, {t.requester_id for t in found}) if by.wants_previous else {}
    return [
        RoutingRequest(t, around[t.id], previous.get(t.requester_id), past[t.id].never, skills=past[t.id].skills)
        for t in found
    ]


def _is_late(by: RoutingSetup, ticket: Ticket, now: datetime) -> bool:
    """Whether it has waited for longer than its team wants, in the team's hours."""
    team = by.teams.get(ticket.team_id or 0)
    if team is None or ticket.unroutable_at is None or team.strategy is Strategy.MANUAL:
        return ticket.unroutable_at is not None and (now - ticket.unroutable_at).total_seconds() >= unassigned.PATIENCE
    return between(team.calendar, ticket.unroutable_at, now) >= team.options.escalate_minutes * 60


def _escalated(ticket: Ticket, now: datetime) -> Change:
    minutes = (now - ticket.unroutable_at).total_seconds() / 60 if ticket.unroutable_at else 0
    why = f"nobody for {minutes:.0f} minutes; from now on skills do not count"
    return Change(ticket, (Event(ticket.id, now, EventKind.UNROUTABLE_ESCALATED, DESK, why=why),))


def _now(context: Context) -> datetime:
    return context.now().astimezone(ZoneInfo(context.store.settings.time_zone))
