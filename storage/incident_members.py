"""Tickets become members of an incident, and cease to be: raised to Urgent with the reason, and set back again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from desk import ticket as verbs
from desk.ticket import Actor, ActorKind, Change, Event, NotAllowed, Priority, Status, Ticket
from storage import incidents, tickets
from storage.incidents import MEMBER, TAKEN_OUT
from storage.transaction import Session


def welcome(
    session: Session, number: int, members: Sequence[int], now: datetime, why: str, actor: Actor, *, react: bool = True
) -> None:
    """Every member gets its event, and Urgent where no agent has said otherwise."""
    count, begun, last = incidents.reach(session, number)
    incidents.note_people(session, number, count, last or now)
    minutes = max(1, math.ceil(((last or now) - (begun or now)).total_seconds() / 60))
    held = tickets.get_many(session, members, lock=True)
    set_by = incidents.priority_set_by(session, held)
    affects = f"affects many users: {count} people in {minutes} minutes"
    changes = []
    for ticket_id, ticket in sorted(held.items()):
        joined = Event(ticket_id, now, "incident_joined", actor, after=str(number), why=why)
        change = Change(replace(ticket, updated_at=now), (joined,))
        by_agent = set_by.get(ticket_id, ("", None, ""))[0] == str(ActorKind.AGENT)
        changes.append(change if by_agent else change.then(_raised(change.ticket, number, affects, now)))
    tickets.save_locked(session, changes, react=react)


def include(session: Session, number: int, ticket_id: int, actor: Actor, now: datetime) -> None:
    """An agent takes a suggested ticket in."""
    if not incidents.move(session, number, ticket_id, MEMBER):
        raise NotAllowed(f"ticket #{ticket_id} is not suggested for incident {number}")
    welcome(session, number, [ticket_id], now, "an agent took it in", actor)


def take_out(session: Session, number: int, ticket_id: int, actor: Actor, now: datetime) -> None:
    """It has nothing to do with it: its priority goes back if nobody has changed it since."""
    if not incidents.move(session, number, ticket_id, TAKEN_OUT):
        raise NotAllowed(f"ticket #{ticket_id} is not in incident {number}")
    held = tickets.get_many(session, [ticket_id], lock=True)[ticket_id]
    raised = incidents.priority_set_by(session, [ticket_id]).get(ticket_id)
    left = Event(ticket_id, now, "incident_left", actor, before=str(number))
    change = Change(replace(held, updated_at=now), (left,))
    tickets.save_locked(session, [change.then(set_back(change.ticket, raised, number, now))])
    count, _, last = incidents.reach(session, number)
    incidents.note_people(session, number, count, last or now)


def set_back(ticket: Ticket, raised: tuple[str, int | None, str] | None, number: int, at: datetime) -> Change:
    """The priority is again what it was before the incident raised it, if nobody changed it since.

    The desk does it, for it was the desk's mistake: another incident may raise the ticket again.
    """
    if raised is None or raised[1] != number or ticket.priority is not Priority.URGENT or ticket.merged_into:
        return Change(ticket)
    return verbs.set_priority(ticket, Priority(raised[2]), verbs.DESK, at, f"not part of incident {number}")


def _raised(ticket: Ticket, number: int, why: str, now: datetime) -> Change:
    done = ticket.merged_into is not None or ticket.status in (Status.RESOLVED, Status.CLOSED)
    if done or ticket.priority is Priority.URGENT:
        return Change(ticket)
    change = verbs.set_priority(ticket, Priority.URGENT, verbs.DESK, now, why)
    return Change(change.ticket, tuple(replace(event, data={"incident": number}) for event in change.events))
