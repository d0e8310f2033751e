"""Changes the requester of a ticket: for example, a form's sender gives way to the person who filled it in.

From then on the ticket, its answers and its page are the new requester's; the old one gets nothing more.
"""

from __future__ import annotations

from datetime import datetime

from desk.mail.inbound_request import Party
from desk.tickets import properties
from desk.tickets.events import EventKind
from desk.tickets.participants import Participation
from desk.tickets.properties import NewRequester
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.people import organisations, people
from storage.tickets import tickets
from usecases.tickets import cc


def change(session: Session, ticket: Ticket, address: str, actor: Actor, at: datetime, *, react: bool = True) -> Ticket:
    """Changes the requester; the caller holds the ticket. NotAllowed where the address cannot get mail."""
    before, after = plan_change(session, ticket, address)
    if before == after:
        return ticket
    person = people.ensure_people(session, [Party(after, "")], at)[after]
    organisation = organisations.find_by_address(organisations.by_domain(session), after)
    swap_participants(session, ticket.id, before, after)
    changed = properties.set_requester(ticket, NewRequester(person.id, organisation, before, after), actor, at)
    return tickets.save(session, changed, react=react)


def plan_change(session: Session, ticket: Ticket, address: str) -> tuple[str, str]:
    """The addresses before and after, checked; nothing is stored."""
    new_address = cc.check_address(address)
    if ticket.merged_into is not None:
        raise NotAllowed(f"ticket #{ticket.id} was merged into #{ticket.merged_into}")
    if ticket.conversation:
        raise NotAllowed(f"the conversation in {ticket.channel.title()} goes on with who began it")
    if new_address in {box.address for box in people.all_mailboxes(session)}:
        raise NotAllowed(f"{new_address} is an address of this desk")
    current = people.by_ids(session, [ticket.requester_id]).get(ticket.requester_id)
    return current.address if current else "", new_address


def preview(session: Session, ticket: Ticket, address: str, actor: Actor, at: datetime) -> tuple[Event, ...]:
    """The event that the change would make."""
    before, after = plan_change(session, ticket, address)
    return () if before == after else (Event(ticket.id, at, EventKind.REQUESTER_CHANGED, actor, before, after),)


def swap_participants(session: Session, ticket_id: int, before: str, after: str) -> None:
    """Stores who takes part how: the old requester wrote here, and gets no copies."""
    for address, part in ((before, Participation.SENDER), (after, Participation.REQUESTER)):
        if address:
            tickets.set_participant(session, ticket_id, address, part)


def follow_undo(session: Session, change: Change, before: Ticket) -> None:
    """After an undo from the ticket `before`: its participants follow."""
    ids = [before.requester_id, change.ticket.requester_id]
    people_by_id = people.by_ids(session, ids) if ids[0] != ids[1] else {}
    if len(people_by_id) == 2:
        swap_participants(session, before.id, people_by_id[ids[0]].address, people_by_id[ids[1]].address)
