"""Merges one ticket into another: its messages, side conversations and people go over, with events on both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from desk.tickets import participants, transitions
from desk.tickets.event_data import Merge
from desk.tickets.ticket import Actor, Change, NotAllowed, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.tables.tickets import messages
from storage.tickets import tickets
from usecases.tickets import side_conversations


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Who wants `ticket_id` merged into `into_id`, when and why, and whether notices follow."""

    ticket_id: int
    into_id: int
    actor: Actor
    at: datetime
    why: str = ""
    react: bool = True


def merge(session: Session, request: MergeRequest) -> Ticket:
    """Merges a ticket into another, which gets its messages, its people (in copy) and its later mail."""
    ticket_id, into_id = request.ticket_id, request.into_id
    both_tickets = tickets.get_many(session, [ticket_id, into_id], lock=True)
    for number in (ticket_id, into_id):
        if number not in both_tickets:
            raise NotAllowed(f"there is no ticket #{number}")
    visibility.check_merge(session, both_tickets[ticket_id].team_id, both_tickets[into_id].team_id)
    closed, surviving = transitions.merge(both_tickets[ticket_id], both_tickets[into_id], request.actor, request.at)
    moved_ids, copies = _move_all(session, ticket_id, into_id)
    # What an undo needs to know: which messages and people went over by this.
    data = Merge(messages=tuple(moved_ids), copies=tuple(copies), were={a: was for a, was in copies.items() if was})
    tickets.save(
        session,
        Change(closed.ticket, (*closed.events[:-1], replace(closed.events[-1], data=data))),
        react=request.react,
    )
    tickets.link(session, ticket_id, into_id, "merged")
    reasons = [request.why] * bool(request.why) + [f"now in copy: {', '.join(copies)}"] * bool(copies)
    shown = replace(surviving.events[-1], why="; ".join(reasons))
    return tickets.save(session, Change(surviving.ticket, (*surviving.events[:-1], shown)), react=request.react)


def _move_all(session: Session, from_ticket: int, to_ticket: int) -> tuple[list[int], dict[str, str]]:
    """Messages, side conversations and people go over; returns which messages, and who is now in copy and was what.

    The ids stay: `merged_into` leads them on.
    """
    where = messages.c.ticket_id == from_ticket
    moved_ids = list(session.execute(sa.select(messages.c.id).where(where).order_by(messages.c.id)).scalars())
    session.execute(sa.update(messages).where(where).values(ticket_id=to_ticket))
    side_conversations.move(session, from_ticket, to_ticket)
    people = tickets.participants_of(session, [from_ticket, to_ticket])
    roles = {a: participants.after_merge(role) for a, role in people[from_ticket].items()}
    tickets.add_participants(session, [(to_ticket, a, role) for a, role in roles.items()])
    there, copied = people[to_ticket], participants.COPIED
    copies = {a: there.get(a, "") for a, role in sorted(roles.items()) if role in copied}
    copies = {a: was for a, was in copies.items() if was not in (*copied, participants.Participation.REQUESTER)}
    for address, was in copies.items():
        if was:
            tickets.set_participant(session, to_ticket, address, roles[address])
    return moved_ids, copies
