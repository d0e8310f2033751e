"""Watchers: agents who want notices about a ticket of somebody else, and agents mentioned in a note.

Each change is an event. Nobody watches a ticket that they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from desk.people import mentions
from desk.tickets.event_data import AgentNamed
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.people import people
from storage.people.people import Person
from storage.tables.people import watchers
from storage.tickets import tickets

_c = watchers.c


def list_watchers(session: Session, ticket_ids: Iterable[int]) -> dict[int, list[Person]]:
    """The watchers of these tickets, by name."""
    unique_ids = sorted(set(ticket_ids))
    query = sa.select(_c.ticket_id, _c.agent_id).where(_c.ticket_id.in_(unique_ids))
    rows = session.execute(query).all() if unique_ids else []
    agents = people.by_ids(session, [row.agent_id for row in rows])
    by_ticket: dict[int, list[Person]] = {}
    for row in rows:
        if row.agent_id in agents and agents[row.agent_id].active:
            by_ticket.setdefault(row.ticket_id, []).append(agents[row.agent_id])
    return {number: sorted(some, key=lambda agent: agent.name or agent.address) for number, some in by_ticket.items()}


def watch(session: Session, ticket: Ticket, agent: Person, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Adds a watcher; a second time changes nothing."""
    if not _begin(session, ticket, agent, at):
        return ticket
    name, data = agent.name or agent.address, AgentNamed(agent_id=agent.id)
    event = Event(ticket.id, at, EventKind.WATCHED, actor, after=name, why=why, data=data)
    # Nothing follows from it: nobody is told that somebody watches.
    return tickets.save(session, Change(ticket, (event,)), react=False)


def unwatch(session: Session, ticket: Ticket, agent: Person, actor: Actor, at: datetime) -> Ticket:
    where = (_c.ticket_id == ticket.id, _c.agent_id == agent.id)
    if session.execute(sa.delete(watchers).where(*where)).rowcount == 0:
        return ticket
    name, data = agent.name or agent.address, AgentNamed(agent_id=agent.id)
    event = Event(ticket.id, at, EventKind.UNWATCHED, actor, before=name, data=data)
    return tickets.save(session, Change(ticket, (event,)))


def watch_mentioned(session: Session, ticket: Ticket, text: str, at: datetime) -> list[Person]:
    """The agents whom a note mentions by `@name`; from now on they watch the ticket."""
    if "@" not in text:
        return []
    agents = {agent.id: agent for agent in people.all_agents(session) if agent.active}
    names = mentions.names((agent.id, agent.name, agent.address) for agent in agents.values())
    mentioned = [agents[number] for number in mentions.mentioned(text, names)]
    for agent in mentioned:
        _begin(session, ticket, agent, at)
    return mentioned


def _begin(session: Session, ticket: Ticket, agent: Person, at: datetime) -> bool:
    if visibility.outsiders(session, [(ticket.id, agent.address)]):
        raise NotAllowed(f"{agent.name or agent.address} is no member of the private team, and may not see this ticket")
    row = {"ticket_id": ticket.id, "agent_id": agent.id, "at": at}
    return session.execute(insert_ignore(session, watchers).values(**row)).rowcount == 1
