"""Mail in side conversations: finds the conversation of a mail, and applies the mail to it and to its ticket.

A mail belongs to a side conversation by our signed address or our signed Message-ID. A batch that names none costs no
statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from desk.channels import traits_of
from desk.mail.authentication import Verdict
from desk.mail.states import InboundState
from desk.mail.thanks import courtesy_of
from desk.signed import reply_address
from desk.signed.reply_address import SIDE, SIDE_AGENT
from desk.tickets import side_conversation as rules
from desk.tickets.commands import Parsed
from desk.tickets.events import EventKind
from desk.tickets.side_conversation import ReceivedMessage, Side
from desk.tickets.threading import Signal
from desk.tickets.ticket import Actor, ActorKind, Author, Change, Message, MessageKind, NotAllowed, Recipients, Ticket
from storage.db.session import Session
from usecases.tickets import side_conversations
from workers.inbound import bounces

if TYPE_CHECKING:
    from workers.inbound.batch_context import BatchContext
    from workers.inbound.item import Item
    from workers.inbound.match import Decision


@dataclass(frozen=True, slots=True)
class NamedConversation:
    """The conversation that a mail names, and by what."""

    side: Side
    signal: Signal
    detail: str


def load(session: Session, items: Sequence[Item], secret: bytes, also: Collection[int] = ()) -> dict[int, Side]:
    """The conversations that anything in a batch names, and those that reports are about (`also`)."""
    named = {number for item in items for number in _numbers(item, secret)} | {number for number in also if number}
    return side_conversations.by_ids(session, named) if named else {}


def find_named(sides: dict[int, Side], item: Item, secret: bytes, now: datetime) -> NamedConversation | None:
    """The side conversation of a mail, by its reply address, else by our Message-ID; None where neither is genuine."""
    for each in item.keys.reply_addresses if sides else ():
        token = reply_address.read_reply_address(each, reply_address.NO_VERSION, secret, now)
        # An address of a ticket that was merged since stays good: the number of the conversation says where it is.
        if token is not None and token.purpose == SIDE and not token.expired and token.person_id in sides:
            return NamedConversation(sides[token.person_id], Signal.ADDRESS, "side conversation's address")
    for one in _parents(item) if sides else ():
        number = reply_address.side_of_message_id(one, secret)
        if number in sides:
            return NamedConversation(sides[number], Signal.MESSAGE_ID, one)
    return None


def may_write(item: Item, side: Side, requester: str, own_domains: Collection[str], trust: Verdict) -> bool:
    """Whether its sender takes part there."""
    believed = item.request.sender_clear and trust is not Verdict.FAIL
    return believed and rules.takes_part(side, item.request.sender.address, requester, own_domains)


def received(
    batch: BatchContext, decision: Decision, boxes: Collection[str], message_id: int, now: datetime
) -> ReceivedMessage:
    """What the stored message says to its side conversation; `boxes` are the desk's own addresses."""
    request, by = decision.item.request, author(batch, decision)
    if decision.state == InboundState.AUTOMATIC:
        return ReceivedMessage(by, now, message_id)
    courtesy = courtesy_of(request.reply or request.text, files=bool(request.attachments))
    return ReceivedMessage(by, now, message_id, courtesy, tuple(_newcomers(decision, boxes)))


def apply_mail(
    session: Session, batch: BatchContext, decision: Decision, ticket: Ticket, message: ReceivedMessage
) -> Change:
    """The change that a mail makes to its side conversation and to the ticket."""
    assert decision.side is not None
    # Not the one of the decision: another mail of this batch may have changed it.
    side, request, now = batch.sides[decision.side.id], decision.item.request, message.at
    if decision.state == InboundState.AUTOMATIC:
        step = rules.kept(side, ticket, now, f"{request.auto}: {request.auto_reason}", message.id)
        marked = bounces.record(session, step.change.ticket, request, decision.about, now, message.id)
        change = step.change.then(marked)
        if any(event.kind == EventKind.DELIVERY_FAILED for event in marked.events):
            step = rules.failed(step.side, change.ticket, now)
            change = change.then(step.change)
    else:
        step = rules.answered(side, ticket, message)
        change = step.change
    if step.side != side:
        side_conversations.save_row(session, step.side)
        batch.sides[side.id] = step.side
    return change


def as_side_message(message: Message, batch: BatchContext, decision: Decision) -> Message:
    """The message as part of its side conversation."""
    assert decision.side is not None
    trust = replace(message.trust, automatic=True) if decision.state == InboundState.AUTOMATIC else message.trust
    by = author(batch, decision)
    return replace(message, kind=MessageKind.SIDE, side_id=decision.side.id, author=by, trust=trust)


def start_by_mail(
    session: Session, ticket: Ticket, parsed: Parsed, actor: Actor, now: datetime, *, react: bool
) -> tuple[Side, Ticket]:
    """Starts a side conversation by an agent's mail, whose text is its first message."""
    if parsed.is_note or parsed.is_reply:
        raise NotAllowed("a text goes to one place: aside, to the requester or into a note")
    if not parsed.text.strip():
        raise NotAllowed("there is no text to send aside")
    return side_conversations.start(session, ticket, parsed.third_parties, "", Author(actor, now), react=react)


def message_fields(side: Side, text: str) -> dict[str, Any]:
    """The fields of an agent's mail as a message to the third party: only the agent's own text is sent."""
    others = tuple(each for each in side.people if each != side.address)
    return {"side_id": side.id, "text": text, "recipients": Recipients((side.address,), others)}


def author(batch: BatchContext, decision: Decision) -> Actor:
    item = decision.item
    person = batch.persons[item.sender]
    return Actor(ActorKind.THIRD_PARTY, person.id, item.request.sender.name or person.name or person.address)


def _newcomers(decision: Decision, boxes: Collection[str]) -> list[str]:
    """The people whom a proven sender has in copy, except us and participants of the public conversation."""
    public = decision.target.people if decision.target else {}
    if decision.trust is not Verdict.PASS:
        return []
    parties = (*decision.item.request.to, *decision.item.request.cc)
    return [
        one.address
        for one in parties
        if reply_address.without_token(one.address) not in boxes and one.address not in public
    ]


def _numbers(item: Item, secret: bytes) -> Iterator[int]:
    for part in item.keys.tokens:
        if part[0] in (SIDE, SIDE_AGENT):
            number = part[2] if part[0] == SIDE else part[1]
            if number < 2**62:
                yield number
    bounce = item.request.bounce
    for one in (*_parents(item), bounce.original_message_id if bounce else ""):
        if (found := reply_address.side_of_message_id(one, secret)) is not None:
            yield found


def _parents(item: Item) -> list[str]:
    """The Message-IDs of ours that it may name, the nearest first."""
    thread = item.request.thread
    if not traits_of(item.request.channel).is_mail:
        return []
    return [one for one in (*thread.in_reply_to, *reversed(thread.references)) if "fd." in one.lower()]
