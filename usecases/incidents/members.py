"""Adds tickets to an incident and removes them: raises their priority as the matrix says, and sets it back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desk.incidents import priority as incident_priority
from desk.priority.assess import Matrix
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, NotAllowed
from storage.db.session import Session
from storage.incidents import incidents
from storage.incidents.incidents import MEMBER, TAKEN_OUT
from storage.tickets import tickets


@dataclass(frozen=True, slots=True)
class Joining:
    """Who adds tickets to an incident, when and why, and whether notices follow."""

    actor: Actor
    now: datetime
    why: str
    react: bool = True


def add_members(session: Session, number: int, members: Sequence[int], by: Matrix, joining: Joining) -> None:
    """Each ticket gets its event, and the incident's priority where no agent has set another."""
    now, actor, why = joining.now, joining.actor, joining.why
    count, begun, last = incidents.measure_reach(session, number)
    incidents.save_reach(session, number, count, last or now)
    minutes = max(1, math.ceil(((last or now) - (begun or now)).total_seconds() / 60))
    locked = tickets.get_many(session, members, lock=True)
    reason = incident_priority.affects(count, minutes)
    changes = []
    for ticket_id, ticket in sorted(locked.items()):
        joined = Event(ticket_id, now, EventKind.INCIDENT_JOINED, actor, after=str(number), why=why)
        change = Change(replace(ticket, updated_at=now), (joined,))
        changes.append(change.then(incident_priority.raised(change.ticket, number, reason, by, now)))
    tickets.save_locked(session, changes, react=joining.react)


def include_ticket(session: Session, number: int, ticket_id: int, actor: Actor, by: Matrix, now: datetime) -> None:
    """An agent adds a ticket, whether it was suggested or not."""
    changed = incidents.set_ticket_state(session, number, ticket_id, MEMBER) or incidents.add_ticket(
        session, number, ticket_id, now
    )
    if not changed:
        raise NotAllowed(f"ticket #{ticket_id} is in incident {number} already, or there is no such ticket to put in")
    add_members(session, number, [ticket_id], by, Joining(actor, now, "an agent took it in"))


def remove_ticket(session: Session, number: int, ticket_id: int, actor: Actor, now: datetime) -> None:
    """An agent removes a ticket: its priority goes back if nobody has changed it since."""
    if not incidents.set_ticket_state(session, number, ticket_id, TAKEN_OUT):
        raise NotAllowed(f"ticket #{ticket_id} is not in incident {number}")
    ticket = tickets.get_many(session, [ticket_id], lock=True)[ticket_id]
    raised = incidents.last_raises(session, [ticket_id]).get(ticket_id)
    left = Event(ticket_id, now, EventKind.INCIDENT_LEFT, actor, before=str(number))
    change = Change(replace(ticket, updated_at=now), (left,))
    tickets.save_locked(session, [change.then(incident_priority.set_back(change.ticket, raised, number, now))])
    count, _, last = incidents.measure_reach(session, number)
    incidents.save_reach(session, number, count, last or now)
