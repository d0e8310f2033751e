"""Rows of incidents and their tickets: opening, adding tickets, ending, and the lists that pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.incidents.detector import Alarm, Key
from desk.incidents.priority import Raise
from desk.priority.reasons import NO_REASONS
from desk.tickets.event_data import PriorityChange, read_data
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Status
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import insert_ignore, insert_rows, read_counts
from storage.tables.learning import incident_tickets, incidents
from storage.tables.tickets import events, messages, people, predictions, tickets

OPEN, QUIET, RESOLVED, DISMISSED = "open", "quiet", "resolved", "dismissed"
STATES = (OPEN, QUIET, RESOLVED, DISMISSED)
MEMBER, SUGGESTED, TAKEN_OUT = "member", "suggested", "taken-out"


@dataclass(frozen=True, slots=True)
class Incident:
    """Many people with the same problem at the same time."""

    id: int
    category: str
    organisation: str
    state: str
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None
    people: int
    window_minutes: int
    why: str
    ended_by: int | None

    @property
    def key(self) -> Key:
        return Key(self.category, self.organisation)


@dataclass(frozen=True, slots=True)
class IncidentTicket:
    """A ticket of an incident: sure ("member"), unsure ("suggested"), or removed by an agent."""

    ticket_id: int
    state: str
    likeness: float
    at: datetime


def open_incident(session: Session, alarm: Alarm, now: datetime) -> int | None:
    """Opens an incident for the alarm's key; None if there is an open one already."""
    row = {
        "category": alarm.key.category,
        "organisation": alarm.key.organisation,
        "state": OPEN,
        "opened_at": now,
        "last_at": now,
        "people": alarm.people,
        "window_minutes": alarm.minutes,
        "why": alarm.why,
    }
    if session.execute(insert_ignore(session, incidents), row).rowcount != 1:
        return None
    same = (incidents.c.category == alarm.key.category, incidents.c.organisation == alarm.key.organisation)
    return int(session.execute(sa.select(incidents.c.id).where(incidents.c.state == OPEN, *same)).scalar_one())


def widen(session: Session, incident_id: int, alarm: Alarm) -> None:
    """The incident concerns more than one organisation."""
    values = {"organisation": "", "people": alarm.people, "window_minutes": alarm.minutes, "why": alarm.why}
    session.execute(sa.update(incidents).where(incidents.c.id == incident_id).values(**values))


def get(session: Session, incident_id: int, *, lock: bool = False) -> Incident | None:
    query = sa.select(incidents).where(incidents.c.id == incident_id)
    row = session.execute(query.with_for_update() if lock and session.postgres else query).first()
    return Incident(**row._mapping) if row else None


def list_open(session: Session) -> list[Incident]:
    rows = session.execute(sa.select(incidents).where(incidents.c.state == OPEN).order_by(incidents.c.id))
    return [Incident(**row._mapping) for row in rows]


def page(session: Session, states: Sequence[str] = (), before: int | None = None, most: int = 50) -> list[Incident]:
    """Newest first."""
    query = sa.select(incidents).order_by(incidents.c.id.desc()).limit(most)
    if states:
        query = query.where(incidents.c.state.in_(list(states)))
    if before is not None:
        query = query.where(incidents.c.id < before)
    return [Incident(**row._mapping) for row in session.execute(query)]


def dismissed_keys(session: Session, categories: Iterable[str], since: datetime) -> dict[Key, int]:
    """Keys whose alarm was dismissed since then, with how many people that was."""
    c = incidents.c
    query = sa.select(c.category, c.organisation, sa.func.max(c.people).label("most")).where(
        c.state == DISMISSED, c.category.in_(sorted(set(categories))), c.ended_at > since
    )
    rows = session.execute(query.group_by(c.category, c.organisation))
    return {Key(row.category, row.organisation): row.most for row in rows}


def end(session: Session, incident_id: int, state: str, now: datetime, agent_id: int | None = None) -> bool:
    """Sets the end state: quiet, resolved or dismissed; False if it was not open (dismissed: not quiet either)."""
    from_states = (OPEN, QUIET) if state == DISMISSED else (OPEN,)
    where = (incidents.c.id == incident_id, incidents.c.state.in_(from_states))
    values = {"state": state, "ended_at": now, "ended_by": agent_id}
    return session.execute(sa.update(incidents).where(*where).values(**values)).rowcount == 1


def save_reach(session: Session, incident_id: int, count: int, last_at: datetime) -> None:
    """Stores how many people it has reached, and when the last one wrote."""
    where = (incidents.c.id == incident_id, incidents.c.last_at <= last_at)
    session.execute(sa.update(incidents).where(*where).values(last_at=last_at))
    session.execute(sa.update(incidents).where(incidents.c.id == incident_id).values(people=count))


def add_tickets(
    session: Session, incident_id: int, members: Mapping[int, tuple[str, float]], now: datetime
) -> list[int]:
    """Adds tickets with their state and likeness; existing ones keep theirs. Returns the new ones."""
    existing = session.execute(
        sa.select(incident_tickets.c.ticket_id).where(
            incident_tickets.c.incident_id == incident_id, incident_tickets.c.ticket_id.in_(sorted(members))
        )
    )
    new = sorted(set(members) - set(existing.scalars()))
    rows = [
        {"incident_id": incident_id, "ticket_id": t, "state": members[t][0], "likeness": members[t][1], "at": now}
        for t in new
    ]
    insert_rows(session, incident_tickets, rows, ignore=True)
    return new


def set_ticket_state(session: Session, incident_id: int, ticket_id: int, state: str) -> bool:
    """An agent decides about one ticket; False if it is not in the incident, or has that state already."""
    c = incident_tickets.c
    same = (c.incident_id == incident_id, c.ticket_id == ticket_id, c.state != state)
    where = (*same, *visibility.ticket_id_condition(session, c.ticket_id))
    return session.execute(sa.update(incident_tickets).where(*where).values(state=state)).rowcount == 1


def add_ticket(session: Session, incident_id: int, ticket_id: int, now: datetime) -> bool:
    """An agent adds a ticket that was not suggested; False if it is in it, does not exist, or is private."""
    where = (*visibility.ticket_condition(session), visibility.public_condition(tickets.c.team_id))
    query = sa.select(tickets.c.id).where(tickets.c.id == ticket_id, tickets.c.merged_into.is_(None), *where)
    if session.execute(query).first() is None:
        return False
    return bool(add_tickets(session, incident_id, {ticket_id: (MEMBER, 0.0)}, now))


def list_tickets(
    session: Session, incident_id: int, state: str = "", after: int = 0, most: int = 1000
) -> list[IncidentTicket]:
    """Its tickets by number."""
    c = incident_tickets.c
    query = sa.select(c.ticket_id, c.state, c.likeness, c.at).where(c.incident_id == incident_id, c.ticket_id > after)
    if state:
        query = query.where(c.state == state)
    return [IncidentTicket(**row._mapping) for row in session.execute(query.order_by(c.ticket_id).limit(most))]


def measure_reach(session: Session, incident_id: int) -> tuple[int, datetime | None, datetime | None]:
    """How many different people its members are from, and when the first and the last of them wrote."""
    at = tickets.c.created_at
    query = (
        sa.select(
            sa.func.count(sa.distinct(tickets.c.requester_id)).label("many"),
            sa.func.min(at).label("begun"),
            sa.func.max(at).label("ended"),
        )
        .join(incident_tickets, incident_tickets.c.ticket_id == tickets.c.id)
        .where(incident_tickets.c.incident_id == incident_id, incident_tickets.c.state == MEMBER)
    )
    row = session.execute(query).one()
    return row.many, row.begun, row.ended


def ticket_counts(session: Session, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Incident → how many tickets in each state."""
    c = incident_tickets.c
    query = sa.select(c.incident_id, c.state, sa.func.count().label("many")).where(c.incident_id.in_(sorted(set(ids))))
    by_ticket: dict[int, dict[str, int]] = {number: dict.fromkeys((MEMBER, SUGGESTED, TAKEN_OUT), 0) for number in ids}
    for row in session.execute(query.group_by(c.incident_id, c.state)):
        by_ticket[row.incident_id][row.state] = row.many
    return by_ticket


def open_members(session: Session, incident_id: int) -> dict[str, int]:
    """Members by status, without merged ones: the tickets that an answer to all would reach."""
    query = (
        sa.select(tickets.c.status, sa.func.count())
        .join(incident_tickets, incident_tickets.c.ticket_id == tickets.c.id)
        .where(incident_tickets.c.incident_id == incident_id, incident_tickets.c.state == MEMBER)
        .where(tickets.c.merged_into.is_(None))
        .group_by(tickets.c.status)
    )
    return read_counts(session, query)


def count_reachable(statuses: Mapping[str, int]) -> int:
    """How many of them are not closed."""
    return sum(count for status, count in statuses.items() if status != Status.CLOSED)


def rows(session: Session, incident_id: int, most: int = 1000) -> list[dict[str, Any]]:
    """Its tickets with what a list shows of them."""
    query = (
        sa.select(
            tickets.c.id,
            tickets.c.subject,
            tickets.c.status,
            tickets.c.priority,
            tickets.c.created_at,
            tickets.c.merged_into,
            people.c.address.label("requester"),
            people.c.name.label("requester_name"),
            incident_tickets.c.state,
            incident_tickets.c.likeness,
        )
        .join(incident_tickets, incident_tickets.c.ticket_id == tickets.c.id)
        .join(people, people.c.id == tickets.c.requester_id)
        .where(incident_tickets.c.incident_id == incident_id, *visibility.ticket_condition(session))
        .order_by(tickets.c.id)
        .limit(most)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def incidents_of_ticket(session: Session, ticket_id: int) -> list[tuple[Incident, str]]:
    """The incidents that a ticket belongs to or might belong to, newest first."""
    query = (
        sa.select(incidents, incident_tickets.c.state.label("place"))
        .join(incident_tickets, incident_tickets.c.incident_id == incidents.c.id)
        .where(incident_tickets.c.ticket_id == ticket_id)
        .order_by(incidents.c.id.desc())
    )
    belongs = []
    for row in session.execute(query):
        values = dict(row._mapping)
        place = values.pop("place")
        belongs.append((Incident(**values), place))
    return belongs


def opening_texts(session: Session, ids: Iterable[int], length: int) -> dict[int, str]:
    """Ticket → subject and the beginning of its first message."""
    return _words(session, tickets.c.id.in_(sorted(set(ids))), length)


def usual_texts(session: Session, category: str, before: datetime, most: int, length: int) -> list[str]:
    """The newest tickets of the category before a moment, and as many of any category, for comparison."""
    own = (tickets.c.category == category, tickets.c.created_at < before)
    newest = sa.select(tickets.c.id).where(*own).order_by(tickets.c.created_at.desc()).limit(most).subquery()
    texts = _words(session, tickets.c.id.in_(sa.select(newest.c.id)), length)
    others = sa.select(tickets.c.id).where(sa.func.coalesce(tickets.c.category, "") != category)
    latest = others.order_by(tickets.c.id.desc()).limit(most).subquery()
    return list((texts | _words(session, tickets.c.id.in_(sa.select(latest.c.id)), length)).values())


def last_raises(session: Session, ids: Iterable[int]) -> dict[int, Raise]:
    """Ticket → how its priority was changed last, and for which incident."""
    e = events.c
    query = sa.select(e.ticket_id, e.actor_kind, e.data, e.before, e.after)
    query = query.where(e.ticket_id.in_(sorted(set(ids))), e.kind == EventKind.PRIORITY_CHANGED)
    raises: dict[int, Raise] = {}
    for row in session.execute(query.order_by(e.id)):
        data = read_data(EventKind.PRIORITY_CHANGED, row.data)
        change = data if isinstance(data, PriorityChange) else PriorityChange()
        number = None if row.actor_kind == str(ActorKind.AGENT) else change.incident or None
        raises[row.ticket_id] = Raise(number, row.before, row.after, change.was_why or NO_REASONS)
    return raises


def teams_of(session: Session, incident_id: int) -> set[int]:
    """The teams of its members."""
    query = (
        sa.select(tickets.c.team_id)
        .distinct()
        .join(incident_tickets, incident_tickets.c.ticket_id == tickets.c.id)
        .where(incident_tickets.c.incident_id == incident_id, tickets.c.team_id.is_not(None))
    )
    return set(session.execute(query).scalars())


def state_counts(session: Session) -> dict[str, int]:
    return read_counts(session, sa.select(incidents.c.state, sa.func.count()).group_by(incidents.c.state))


def _words(session: Session, where: sa.ColumnElement[bool], length: int) -> dict[int, str]:
    words = (tickets.c.subject + "\n" + sa.func.coalesce(sa.func.substr(messages.c.reply, 1, length), "")).label(
        "words"
    )
    query = (
        sa.select(tickets.c.id, words)
        .outerjoin(predictions, predictions.c.ticket_id == tickets.c.id)
        .outerjoin(messages, messages.c.id == predictions.c.message_id)
        .where(where)
    )
    return {row.id: row.words for row in session.execute(query)}
