"""People in copy: added to a ticket and removed by agents, each with an event."""

from __future__ import annotations

import re
from datetime import datetime

import sqlalchemy as sa

from desk.tickets.events import EventKind
from desk.tickets.participants import Participation
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.people.addresses import canonical
from storage.tables.tickets import participants
from storage.tickets import tickets

_ADDRESS = re.compile(r"[^\s@<>()\",;:\\\[\]\x00-\x1f\x7f-\x9f]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
MOST = 50


def add(session: Session, ticket: Ticket, address: str, actor: Actor, at: datetime) -> Ticket:
    """Puts the address in copy: it gets replies, and its mails belong to the ticket. The caller holds the ticket."""
    canonical_address = check_address(address)
    roles = tickets.participants_of(session, [ticket.id])[ticket.id]
    if roles.get(canonical_address) in (Participation.REQUESTER, Participation.ADDED):
        return ticket
    if len(roles) >= MOST:
        raise NotAllowed(f"more than {MOST} people cannot take part")
    tickets.set_participant(session, ticket.id, canonical_address, Participation.ADDED)
    return tickets.save(
        session, Change(ticket, (Event(ticket.id, at, EventKind.COPY_ADDED, actor, after=canonical_address),))
    )


def check_address(address: str) -> str:
    """The canonical address; NotAllowed for what is none."""
    canonical_address = canonical(address)
    if not _ADDRESS.fullmatch(canonical_address):
        raise NotAllowed(f"{address.strip()[:100]!r} is no address")
    return canonical_address


def remove(session: Session, ticket: Ticket, address: str, actor: Actor, at: datetime) -> Ticket:
    """Removes the address from copy: its mails open tickets of their own."""
    canonical_address = canonical(address)
    where = (participants.c.ticket_id == ticket.id, participants.c.address == canonical_address)
    removal = sa.delete(participants).where(*where, participants.c.role != str(Participation.REQUESTER))
    if session.execute(removal).rowcount == 0:
        raise NotAllowed(f"{canonical_address} is not in copy")
    return tickets.save(
        session, Change(ticket, (Event(ticket.id, at, EventKind.COPY_REMOVED, actor, before=canonical_address),))
    )
