"""Other addresses of an agent: stored when one answers the agent's signed address, confirmed by the agent alone.

A confirmed alias counts as the agent's address, under the same proofs; an unconfirmed one counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.db.statements import insert_ignore, upsert
from storage.people import people
from storage.people.people import Person
from storage.tables.people import agent_aliases
from usecases.tickets import cc


@dataclass(frozen=True, slots=True)
class Alias:
    """An address, and since when it is confirmed; None: it was only seen."""

    address: str
    agent_id: int
    seen_at: datetime
    confirmed_at: datetime | None = None


def agents_by_alias(session: Session, addresses: Iterable[str]) -> dict[str, Person]:
    """Confirmed alias → its active agent."""
    c = agent_aliases.c
    where = (c.address.in_(sorted(set(addresses))), c.confirmed_at.is_not(None))
    whose = {row.address: row.agent_id for row in session.execute(sa.select(c.address, c.agent_id).where(*where))}
    agents = people.by_ids(session, whose.values())
    return {address: agents[number] for address, number in whose.items() if agents[number].is_agent}


def aliases_of_agent(session: Session, agent_id: int) -> list[Alias]:
    """The aliases of one agent, confirmed and seen."""
    query = sa.select(*(agent_aliases.c[name] for name in Alias.__dataclass_fields__))
    rows = session.execute(query.where(agent_aliases.c.agent_id == agent_id).order_by(agent_aliases.c.address))
    return [Alias(**row._mapping) for row in rows]


def record_seen(session: Session, agent_id: int, address: str, at: datetime) -> None:
    """A mail from that address answered the agent's signed address; the agent may confirm it."""
    session.execute(insert_ignore(session, agent_aliases), {"address": address, "agent_id": agent_id, "seen_at": at})


def confirm(session: Session, agent_id: int, address: str, at: datetime) -> str:
    """The agent confirms an address that was seen."""
    canonical_address = cc.check_address(address)
    if canonical_address not in {alias.address for alias in aliases_of_agent(session, agent_id)}:
        raise NotAllowed(f"nothing came from {canonical_address} to a signed address of yours")
    return add(session, agent_id, canonical_address, at)


def add(session: Session, agent_id: int, address: str, at: datetime) -> str:
    """Adds an address as confirmed, whether it was seen or not."""
    canonical_address = cc.check_address(address)
    person = people.by_address(session, canonical_address)
    if person is not None and person.role:
        raise NotAllowed(f"{canonical_address} is an agent's own address")
    if canonical_address in {box.address for box in people.all_mailboxes(session)}:
        raise NotAllowed(f"{canonical_address} is an address of this desk")
    whose = agents_by_alias(session, [canonical_address]).get(canonical_address)
    if whose is not None and whose.id != agent_id:
        raise NotAllowed(f"{canonical_address} is another agent's")
    row = {"address": canonical_address, "agent_id": agent_id, "seen_at": at, "confirmed_at": at}
    upsert(session, agent_aliases, ("address", "agent_id"), row)
    return canonical_address


def remove(session: Session, agent_id: int, address: str) -> None:
    """Removes an alias; NotAllowed where it was none."""
    c = agent_aliases.c
    deletion = sa.delete(agent_aliases).where(c.agent_id == agent_id, c.address == address.strip().lower())
    if session.execute(deletion).rowcount == 0:
        raise NotAllowed(f"{address} is no other address of this agent")
