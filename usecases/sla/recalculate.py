"""Recalculates all open tickets after a change of a policy or calendar, in batches, and previews the change.

A preview stores nothing. The recalculation requests a measurement for each open ticket; its progress survives a
restart. Finished tickets keep their timers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.sla.policy import Policy
from desk.sla.timers import DONE
from desk.tickets.ticket import Status
from storage.access import visibility
from storage.db.session import Session, enqueue
from storage.runtime import key_values
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.tables.tickets import tickets as table
from storage.tickets.tickets import get_many
from usecases.sla import measure as sla_measure
from usecases.sla.measure import MeasuredTicket

STEP = 1000
READ = 200
_OPEN = table.c.status.in_([str(status) for status in Status if status not in DONE])


@dataclass(frozen=True, slots=True)
class MovedTicket:
    """A ticket that would get another due time."""

    id: int
    subject: str
    priority: str
    status: str
    policy: str
    before: datetime | None
    after: datetime | None
    late: bool
    """Whether it would be late now, and is not yet."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`looked` of `total` open tickets were measured."""

    looked: int
    total: int
    moved: tuple[MovedTicket, ...]

    @property
    def late(self) -> int:
        return sum(1 for ticket in self.moved if ticket.late)


def preview(session: Session, policies: Sequence[Policy], now: datetime, most: int | None = None) -> Preview:
    """What would change for the newest `most` open tickets that the viewer may see, by number."""
    looked, changed = 0, []
    for some in _open_tickets(session, most):
        results = sla_measure.measure(session, list(get_many(session, some).values()), policies, now, frozenset(some))
        looked += len(results)
        changed += [_moved_ticket(result, now) for result in results.values() if result.due_at != result.ticket.due_at]
    return Preview(looked, open_count(session), tuple(sorted(changed, key=lambda result: -result.id)))


def request_recalculation(session: Session, now: datetime, why: str) -> None:
    """Starts the recalculation; a running one starts again."""
    state = {
        "at": now.isoformat(),
        "why": why,
        "after": 0,
        "done": 0,
        "total": open_count(session),
        "finished_at": None,
    }
    key_values.put(session, key_values.SLA_REVIEW, state)
    key_values.remove(session, key_values.SLA_CHANGED)
    enqueue(session, "sla", 0)


def progress(session: Session) -> dict[str, Any] | None:
    """The progress of the newest recalculation; `waiting` tickets must still be measured."""
    state = key_values.get(session, key_values.SLA_REVIEW)
    return dict(state) | {"waiting": sla_timers.count_wishes(session)} if state else None


def is_requested(session: Session) -> bool:
    state = key_values.get(session, key_values.SLA_REVIEW)
    return bool(state and state["finished_at"] is None) or key_values.get(session, key_values.SLA_CHANGED) is not None


def run_step(session: Session, now: datetime) -> bool:
    """Requests measurements of some more tickets; False if there is nothing (more) to do."""
    changed = key_values.get(session, key_values.SLA_CHANGED)
    if changed is not None:
        _begin(session, now, changed)
        return True
    state = key_values.get(session, key_values.SLA_REVIEW)
    if not state or state["finished_at"] is not None:
        return False
    query = sa.select(table.c.id).where(_OPEN, table.c.id > state["after"]).order_by(table.c.id).limit(STEP)
    ids = list(session.execute(query).scalars())
    sla_timers.request_measuring(session, ids, now, quiet=True)
    state = state | {"after": ids[-1] if ids else state["after"], "done": state["done"] + len(ids)}
    if not ids:
        state["finished_at"] = now.isoformat()
    key_values.put(session, key_values.SLA_REVIEW, state)
    return True


def open_count(session: Session) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(table).where(_OPEN)).scalar_one())


def _begin(session: Session, now: datetime, why: str) -> None:
    """Where no ticket has a timer, and none gets one, there is nothing to do."""
    if sla_policies.any_active(session) or sla_timers.any_running(session):
        request_recalculation(session, now, why)
    key_values.remove(session, key_values.SLA_CHANGED)


def _open_tickets(session: Session, most: int | None) -> Iterator[list[int]]:
    query = (
        sa.select(table.c.id)
        .where(_OPEN, *visibility.ticket_condition(session))
        .order_by(table.c.id.desc())
        .limit(most)
    )
    ids = list(session.execute(query).scalars())
    for start in range(0, len(ids), READ):
        yield ids[start : start + READ]


def _moved_ticket(result: MeasuredTicket, now: datetime) -> MovedTicket:
    ticket, after = result.ticket, result.due_at
    late = after is not None and after <= now and not (ticket.due_at and ticket.due_at <= now)
    policy = result.policy.name if result.policy else ""
    return MovedTicket(
        ticket.id, ticket.subject, str(ticket.priority), str(ticket.status), policy, ticket.due_at, after, late
    )
