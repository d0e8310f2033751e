"""Bulk actions on all tickets of an incident: answer, resolve, dismiss; in batches, each ticket once.

Such an order is a row with a unique key, so a double click is one order. A step processes some tickets and stores how
far it came, in the caller's transaction: a killed process continues where it stopped, and intake can write between two
steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from desk.access import permissions
from desk.access.permissions import Verb
from desk.incidents import priority as incident_priority
from desk.incidents.priority import Raise
from desk.tickets import fields, properties, transitions
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, NotAllowed, Status, Ticket
from storage.access import visibility
from storage.db.session import Session, enqueue, is_conflict, is_outage
from storage.db.statements import for_update, insert_ignore
from storage.incidents import detector_counts, incidents
from storage.incidents.incidents import DISMISSED, MEMBER, RESOLVED
from storage.people import people
from storage.runtime import failures
from storage.tables.learning import incident_orders as orders
from storage.tickets import tickets
from usecases.tickets import conversation, custom_fields
from usecases.tickets.conversation import Written

log = structlog.get_logger()

ANSWER, RESOLVE, DISMISS = "answer", "resolve", "dismiss"
JOB = "incident_orders"
STEP = 40
_DONE = (Status.RESOLVED, Status.CLOSED)


@dataclass(frozen=True, slots=True)
class Order:
    """A bulk action: `total` tickets, of which `done` were changed so far; `done_at` when all were processed."""

    id: int
    incident_id: int
    key: str
    kind: str
    text: str
    agent_id: int | None
    agent_name: str
    at: datetime
    total: int
    done: int
    last_ticket_id: int
    done_at: datetime | None

    @property
    def actor(self) -> Actor:
        """Who ordered it; a token has a name and no id."""
        return Actor(ActorKind.AGENT, self.agent_id, self.agent_name) if self.agent_name else DESK


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What somebody wants done to all tickets of an incident; `key` makes it one even if it is sent twice."""

    incident_id: int
    key: str
    kind: str
    text: str
    actor: Actor


def place_order(session: Session, order: NewOrder, now: datetime) -> Order:
    """Stores the order; the same key again is the same order. Resolving and dismissing end the incident at once."""
    incident_id, kind, text, actor = order.incident_id, order.kind, order.text, order.actor
    incident = incidents.get(session, incident_id, lock=True)
    if incident is None:
        raise NotAllowed(f"there is no incident {incident_id}")
    if kind == ANSWER and not text.strip():
        raise NotAllowed("there is no text to send")
    row = {
        "incident_id": incident_id,
        "key": f"{incident_id}:{kind}:{order.key}",
        "kind": kind,
        "text": text,
        "agent_id": actor.id if actor.kind is ActorKind.AGENT else None,
        "agent_name": actor.name if actor.kind is ActorKind.AGENT else "",
        "at": now,
        "total": incidents.ticket_counts(session, [incident_id])[incident_id][MEMBER],
    }
    if session.execute(insert_ignore(session, orders), row).rowcount == 1:
        _end(session, incident, kind, actor, now)
        enqueue(session, "detect_incidents", 0)
    order_row = session.execute(sa.select(orders).where(orders.c.key == row["key"])).one()
    return Order(**order_row._mapping)


def run_step(session: Session, order_id: int, now: datetime, most: int = STEP) -> bool:
    """Processes some of its tickets; returns whether there are more."""
    query = sa.select(orders).where(orders.c.id == order_id, orders.c.done_at.is_(None))
    row = session.execute(for_update(session, query)).first()
    if row is None:
        return False
    order = Order(**row._mapping)
    members = incidents.list_tickets(session, order.incident_id, MEMBER, after=order.last_ticket_id, most=most)
    locked = tickets.get_many(session, [member.ticket_id for member in members], lock=True)
    raised = incidents.last_raises(session, locked) if order.kind == DISMISS else {}
    changed = sum(_run_on_ticket(session, order, locked[number], raised.get(number), now) for number in sorted(locked))
    more = len(members) == most
    last = members[-1].ticket_id if members else order.last_ticket_id
    values = {"last_ticket_id": last, "done": order.done + changed, "done_at": None if more else now}
    session.execute(sa.update(orders).where(orders.c.id == order_id).values(**values))
    return more


def preview_order(session: Session, incident_id: int, kind: str, most: int = 100_000) -> list[dict[str, Any]]:
    """The tickets that an order would change now; nothing is stored."""
    left_out = _DONE if kind == RESOLVE else (Status.CLOSED,)
    rows = incidents.rows(session, incident_id, most)
    members = (row for row in rows if row["state"] == MEMBER and row["merged_into"] is None)
    return [row for row in members if row["status"] not in left_out]


def waiting_orders(session: Session, now: datetime) -> list[int]:
    """Orders that are not done and not postponed, oldest first."""
    where = (orders.c.done_at.is_(None), failures.ready_condition(JOB, orders.c.id, now))
    return list(session.execute(sa.select(orders.c.id).where(*where).order_by(orders.c.id)).scalars())


def get(session: Session, order_id: int) -> Order:
    return Order(**session.execute(sa.select(orders).where(orders.c.id == order_id)).one()._mapping)


def orders_of_incident(session: Session, incident_id: int) -> list[Order]:
    """All orders of an incident, oldest first."""
    rows = session.execute(sa.select(orders).where(orders.c.incident_id == incident_id).order_by(orders.c.id))
    return [Order(**row._mapping) for row in rows]


def _end(session: Session, incident: incidents.Incident, kind: str, actor: Actor, now: datetime) -> None:
    state = {RESOLVE: RESOLVED, DISMISS: DISMISSED}.get(kind)
    if state is None:
        return
    ended = incidents.end(session, incident.id, state, now, actor.id)
    if kind == DISMISS and not ended:
        raise NotAllowed(f"incident {incident.id} is {incident.state} already")
    if ended and kind == RESOLVE:
        detector_counts.mark_settled(session, incident.key)


def _run_on_ticket(session: Session, order: Order, ticket: Ticket, raised: Raise | None, now: datetime) -> bool:
    """One ticket in a savepoint: if it fails, the ticket's history says why, and the others are processed."""
    try:
        with session.savepoint():
            return _change_ticket(session, order, ticket, raised, now)
    except Exception as error:
        if is_outage(error) or is_conflict(error):
            raise
        log.exception("incident_order_failed", ticket_id=ticket.id, order_id=order.id)
        reason = str(error) if isinstance(error, NotAllowed) else failures.reason_of(error)
        why = f"incident {order.incident_id}: {reason}"
        event = Event(ticket.id, now, EventKind.INCIDENT_ORDER_FAILED, order.actor, after=order.kind, why=why)
        tickets.add_events(session, [event], react=False)
        return False


def _change_ticket(session: Session, order: Order, ticket: Ticket, raised: Raise | None, now: datetime) -> bool:
    """Changes one ticket; returns whether it changed.

    A ticket that was closed or merged in the meantime stays as it is.
    """
    if ticket.merged_into is not None or ticket.status is Status.CLOSED:
        return False
    _check_still_allowed(session, order, ticket, now)
    return _VERBS[order.kind](session, order, ticket, raised, now)


def _check_still_allowed(session: Session, order: Order, ticket: Ticket, now: datetime) -> None:
    """An order runs for minutes: whoever lost the role or the team meanwhile changes nothing any more."""
    if order.agent_id is None:
        return
    agent = people.by_ids(session, [order.agent_id]).get(order.agent_id)
    if agent is None or not agent.is_agent:
        raise NotAllowed("who ordered it is no active agent any more")
    if why := permissions.refused(agent.role, _NEEDED[order.kind]):
        raise NotAllowed(why)
    viewer = visibility.viewer_of(session, agent.id, agent.name, agent.role, now)
    if not viewer.sees(ticket.id, ticket.team_id):
        raise NotAllowed("who ordered it is not in the private team of this ticket")


def _answer(session: Session, order: Order, ticket: Ticket, _raised: object, now: datetime) -> bool:
    conversation.reply(session, ticket, Written(order.actor, order.text, now, via=f"incident {order.incident_id}"))
    return True


def _resolve(session: Session, order: Order, ticket: Ticket, _raised: object, now: datetime) -> bool:
    if ticket.status in _DONE:
        return False
    if order.text.strip():
        via = f"incident {order.incident_id}"
        ticket = conversation.reply(session, ticket, Written(order.actor, order.text, now, via=via))
    why = f"incident {order.incident_id} is over"
    empty = fields.missing(custom_fields.list_all(session), ticket)
    if empty:
        tickets.save(session, properties.not_resolved(ticket, order.actor, now, f"{why}, but {fields.Unfilled(empty)}"))
        return bool(order.text.strip())
    tickets.save(session, transitions.resolve(ticket, order.actor, now, why))
    return True


def _dismiss(session: Session, order: Order, ticket: Ticket, raised: Raise | None, now: datetime) -> bool:
    change = incident_priority.set_back(ticket, raised, order.incident_id, now)
    why = "this was a false alarm"
    event = Event(ticket.id, now, EventKind.INCIDENT_DISMISSED, order.actor, before=str(order.incident_id), why=why)
    tickets.save(session, Change(replace(change.ticket, updated_at=now), (*change.events, event)))
    return bool(change.events)


_NEEDED: Mapping[str, Sequence[Verb]] = {
    ANSWER: (Verb.INCIDENT, Verb.REPLY),
    RESOLVE: (Verb.INCIDENT, Verb.REPLY, Verb.CHANGE),
    DISMISS: (Verb.INCIDENT, Verb.CHANGE),
}
_VERBS: Mapping[str, Callable[..., bool]] = {ANSWER: _answer, RESOLVE: _resolve, DISMISS: _dismiss}
