"""Mail from an unknown address to an agent's reply address: stored as a note, and the address is offered to the agent.

No mail leaves the desk for it but the notice to the agent. Automatic mail is stored without a notice, so that no loop
begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from desk.mail.authentication import Verdict
from desk.mail.inbound_request import AutoKind
from desk.mail.states import InboundState
from desk.tickets import transitions
from desk.tickets.event_data import AgentNamed
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, Message, MessageKind, Ticket
from storage.db.session import Session
from storage.mail import inbound
from storage.mail.inbound import SettledRequest
from storage.people.people import Person
from storage.tickets import tickets
from usecases.agents import aliases
from workers.inbound.match import Decision
from workers.inbound.persist import message_fields, sender_checks
from workers.runtime.context import Context

_MACHINES = (AutoKind.REPLY, AutoKind.RECEIPT, AutoKind.LIST)


@dataclass(frozen=True, slots=True)
class AliasMail:
    """A mail from an unknown address (`sender`) to the signed address of an agent."""

    decision: Decision
    agent: Person
    sender: Person
    ticket: Ticket


def keep_as_note(context: Context, session: Session, mail: AliasMail, now: datetime) -> None:
    """Stores it as a note, and offers the address to the agent as one of theirs."""
    decision, agent, sender, ticket = mail.decision, mail.agent, mail.sender, mail.ticket
    request, author = decision.item.request, Actor(ActorKind.THIRD_PARTY, sender.id, sender.name or sender.address)
    machine = request.auto in _MACHINES
    unverified = f"{sender.address} is not known as an address of {agent.name or agent.address}"
    message = Message(
        ticket_id=ticket.id,
        kind=MessageKind.AUTOMATIC if machine else MessageKind.NOTE,
        inbound=True,
        author=author,
        created_at=now,
        author_address=sender.address,
        inbound_id=decision.item.inbound_id,
        signal=str(decision.signal),
        signal_detail=decision.detail,
        trust=replace(sender_checks(decision), unverified=unverified),
        raw=decision.item.raw,
        **message_fields(request),
    )
    message_id = tickets.add_message(session, message)
    if machine:
        change, state = (
            transitions.keep_automatic(ticket, now, f"{request.auto}: {request.auto_reason}", message_id),
            InboundState.AUTOMATIC,
        )
    else:
        data = AgentNamed(agent_id=agent.id, offered=decision.trust is not Verdict.FAIL)
        seen_alias = Event(ticket.id, now, EventKind.ALIAS_SEEN, DESK, sender.address, agent.address)
        event = replace(seen_alias, why=unverified, data=data, message_id=message_id)
        change, state = Change(ticket, (event,)), InboundState.COMMAND
        if data.offered:
            aliases.record_seen(session, agent.id, sender.address, now)
    tickets.save(session, change, react=context.react)
    inbound.settle(session, [SettledRequest(decision.item.inbound_id, state, unverified, ticket.id, message_id)], now)
