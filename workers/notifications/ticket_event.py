"""An event of a ticket with what its notifications need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from desk.tickets.ticket import Event, Message, Ticket
from storage.people.people import Person


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One event, by its number, with its ticket, the message that it brought, and people by their number."""

    ticket: Ticket
    event_id: int
    event: Event
    message: Message | None = None
    persons: Mapping[int, Person] = field(default_factory=dict)
