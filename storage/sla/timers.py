"""Rows of SLA timers: the state of each ticket's timers, and which tickets must be measured.

An index of due times finds them, so a run costs what is due and not what exists. What the rows mean:
`desk/sla/timers.py`. A row of kind "look" is no timer but a request to measure its ticket. It is stored in the
transaction that handles the ticket's events, so that none is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.sla.policy import Target
from desk.sla.timers import Clock, State
from desk.tickets.event_data import read_data
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Event
from storage.db.session import Session, enqueue
from storage.db.statements import for_update, insert, insert_rows, update_rows
from storage.runtime import key_values
from storage.tables.desk import clocks
from storage.tables.tickets import events, tickets

LOOK, QUIET = "look", "quiet"
"""A wish to look; a quiet one tells nobody of what was due before."""
IDLE = frozenset({
    EventKind.NOTED, EventKind.SLA_WARNED, EventKind.SLA_BREACHED, EventKind.SLA_ESCALATED, EventKind.AUTOMATIC_KEPT,
    EventKind.LINKED, EventKind.NOTICE_ASKED, EventKind.SNOOZED, EventKind.WOKEN, EventKind.DELIVERY_DELAYED,
    EventKind.UNVERIFIED_NOTE, EventKind.NOT_PERMITTED, EventKind.CATEGORY_CONFIRMED, EventKind.REPLY_SCHEDULED,
    EventKind.REPLY_UNDONE, EventKind.REPLY_RETURNED, EventKind.WATCHED, EventKind.UNWATCHED, EventKind.MENTIONED,
    EventKind.RESOLUTION_SET, EventKind.SIDE_OPENED, EventKind.SIDE_SENT, EventKind.SIDE_ANSWERED,
    EventKind.SIDE_CLOSED, EventKind.SIDE_REOPENED,
})  # fmt: skip
"""Events that move no clock."""
_HEARD = (
    EventKind.OPENED, EventKind.REQUESTER_REPLIED, EventKind.REPLIED, EventKind.STATUS_CHANGED, EventKind.REOPENED,
    EventKind.MERGED_INTO, EventKind.UNDELIVERABLE, EventKind.DELIVERY_FAILED,
)  # fmt: skip


def request_measuring(session: Session, ids: Iterable[int], now: datetime, *, quiet: bool = False) -> None:
    """Requests a measurement of these tickets."""
    row = {"kind": LOOK, "state": QUIET if quiet else LOOK, "started_at": now, "next_at": now}
    unique_ids = sorted(set(ids))
    insert_rows(session, clocks, [row | {"ticket_id": number} for number in unique_ids], ignore=True)
    if unique_ids:
        enqueue(session, "sla", unique_ids[0])


def request_recalculation(session: Session, what: str) -> None:
    """A policy or calendar was changed; requests the recalculation, whoever changed it."""
    key_values.put(session, key_values.SLA_CHANGED, what)
    enqueue(session, "sla", 0)


def any_due(session: Session, now: datetime) -> bool:
    return session.execute(sa.select(clocks.c.ticket_id).where(clocks.c.next_at <= now).limit(1)).scalar() is not None


def oldest_due(session: Session) -> datetime | None:
    """The oldest moment at which a measurement was or is due."""
    return session.execute(sa.select(sa.func.min(clocks.c.next_at))).scalar()


def claim(session: Session, now: datetime, most: int, first: Sequence[int] = ()) -> dict[int, bool]:
    """Tickets to look at, those in `first` before others, each with whether quietly.

    Nobody else gets them until this transaction ends.

    The ticket is what is held, never its clocks: two who held a clock each of one ticket would wait for each other.
    """
    columns = (clocks.c.ticket_id, clocks.c.state)
    query = sa.select(*columns).where(clocks.c.next_at <= now).order_by(clocks.c.next_at)
    first_rows = session.execute(query.where(clocks.c.ticket_id.in_(list(first)))).all() if first else []
    due = [*first_rows, *session.execute(query.limit(most))]
    ticket_ids = sorted({row.ticket_id for row in due})
    query = sa.select(tickets.c.id).where(tickets.c.id.in_(ticket_ids)).order_by(tickets.c.id)
    locked_ids = set(session.execute(for_update(session, query, skip=True)).scalars()) if ticket_ids else set()
    if locked_ids:
        # What is wished for from now on waits for this transaction, and what was wished for before is in the history.
        session.execute(sa.delete(clocks).where(clocks.c.kind == LOOK, clocks.c.ticket_id.in_(sorted(locked_ids))))
    quiet_by_ticket: dict[int, bool] = {}
    for row in due:
        if row.ticket_id in locked_ids:
            quiet_by_ticket[row.ticket_id] = quiet_by_ticket.get(row.ticket_id, True) and row.state == QUIET
    return quiet_by_ticket


def postpone(session: Session, ticket_id: int, until: datetime) -> None:
    """Measures that ticket no earlier than that moment."""
    where = (clocks.c.ticket_id == ticket_id, clocks.c.next_at < until)
    session.execute(sa.update(clocks).where(*where).values(next_at=until))


def clocks_of_tickets(session: Session, ids: Iterable[int]) -> dict[int, dict[Target, Clock]]:
    """Ticket → its stored timers."""
    by_ticket: dict[int, dict[Target, Clock]] = {number: {} for number in ids}
    query = sa.select(clocks).where(clocks.c.ticket_id.in_(sorted(by_ticket)), clocks.c.kind != LOOK)
    for row in session.execute(query) if by_ticket else ():
        by_ticket[row.ticket_id][Target(row.kind)] = _clock(row._mapping)
    return by_ticket


def histories(session: Session, ids: Sequence[int]) -> dict[int, list[Event]]:
    """Ticket → those of its events that affect timers, oldest first."""
    c = events.c
    columns = (c.id, c.ticket_id, c.at, c.kind, c.actor_kind, c.after, c.why, c.data, c.message_id)
    where = (c.ticket_id.in_(sorted(ids)), c.kind.in_(_HEARD))
    by_ticket: dict[int, list[Event]] = {number: [] for number in ids}
    for row in session.execute(sa.select(*columns).where(*where).order_by(c.id)) if ids else ():
        actor = Actor(ActorKind(row.actor_kind))
        event = Event(
            row.ticket_id,
            row.at,
            EventKind(row.kind),
            actor,
            after=row.after,
            why=row.why,
            data=read_data(row.kind, row.data),
            message_id=row.message_id,
        )
        by_ticket[row.ticket_id].append(event)
    return by_ticket


def save(
    session: Session, before: Mapping[int, Mapping[Target, Clock]], now: Mapping[int, Mapping[Target, Clock]]
) -> None:
    """Stores the timers of these tickets; only changes are written."""
    removed = [(n, target) for n, some in before.items() for target in some if target not in now.get(n, {})]
    for target in {target for _, target in removed}:
        numbers = [number for number, kind in removed if kind is target]
        session.execute(sa.delete(clocks).where(clocks.c.kind == str(target), clocks.c.ticket_id.in_(numbers)))
    changed = [
        _row(number, clock)
        for number, some in now.items()
        for target, clock in some.items()
        if before.get(number, {}).get(target) != clock
    ]
    if changed:
        new = insert(session, clocks)
        values = {name: new.excluded[name] for name in changed[0] if name not in ("ticket_id", "kind")}
        session.execute(new.on_conflict_do_update(index_elements=["ticket_id", "kind"], set_=values), changed)


def save_due_times(session: Session, due: Mapping[int, datetime | None]) -> None:
    """Stores the tickets' due times.

    They follow from the timers, so they are no change of a ticket and no new version.
    """
    update_rows(session, tickets, "id", [{"id": number, "due_at": at} for number, at in sorted(due.items())])


def count_wishes(session: Session) -> int:
    """How many tickets wait for a measurement."""
    query = sa.select(sa.func.count()).select_from(clocks)
    return int(session.execute(query.where(clocks.c.kind == LOOK, clocks.c.next_at.is_not(None))).scalar_one())


def any_running(session: Session) -> bool:
    return session.execute(sa.select(clocks.c.ticket_id).where(clocks.c.kind != LOOK).limit(1)).scalar() is not None


def counts(session: Session, now: datetime) -> dict[str, int]:
    """How many timers run, are late or are paused; and how many tickets wait for a measurement."""
    c, running = clocks.c, clocks.c.state == str(State.RUNNING)
    query = sa.select(
        sa.func.count().filter(running).label("running"),
        sa.func.count().filter(running, c.due_at <= now).label("late"),
        sa.func.count().filter(c.state == str(State.PAUSED)).label("paused"),
        sa.func.count().filter(c.kind == LOOK).label("waiting"),
    ).where(c.state.in_([str(State.RUNNING), str(State.PAUSED), LOOK, QUIET]))
    return dict(session.execute(query).one()._mapping)


def _clock(row: Mapping[Any, Any]) -> Clock:
    same = {name: row[name] for name in _SAME}
    return Clock(
        target=Target(row["kind"]),
        policy_id=row["policy_id"] or 0,
        state=State(row["state"]),
        left_seconds=row["left_seconds"] or 0,
        **same,
    )


def _row(ticket_id: int, clock: Clock) -> dict[str, Any]:
    row = {name: getattr(clock, name) for name in _SAME}
    row |= {"ticket_id": ticket_id, "kind": str(clock.target), "state": str(clock.state)}
    row |= {"target_seconds": round(clock.target_seconds), "left_seconds": round(clock.left_seconds)}
    return row | {"policy_id": clock.policy_id}


_SAME = (
    "target_seconds",
    "started_at",
    "due_at",
    "next_at",
    "paused_at",
    "warned_at",
    "breached_at",
    "met_at",
    "escalated",
)
