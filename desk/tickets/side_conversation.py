"""A side conversation: from inside a ticket an agent asks a third party by mail, and the requester never reads of it.

It takes the conversation and its ticket as they are, and what was said, and returns both as they become, with the
events. What is said there moves no clock of the ticket and makes nobody a participant of its public conversation; of
the ticket itself only the status may change, where an agent put it on hold until the answer. It knows nothing of mail
and rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from desk.mail.thanks import Courtesy
from desk.tickets import properties, threading, transitions
from desk.tickets.event_data import EventData, SideSent
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, Change, Event, NotAllowed, Status, Ticket

MOST_PEOPLE = 20
MOST_QUOTED, MOST_LINES = 10, 200
"""Public messages that may be quoted to a third party, and lines of each."""
LONGEST_SUBJECT = 200
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,188}[a-z0-9])?")
_BETWEEN = re.compile(r"[\s,;]+")


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Side:
    """One conversation. `people` are all who take part, `address` first; `holds`: the ticket is on hold until it is
    answered."""

    id: int
    ticket_id: int
    subject: str
    address: str
    people: tuple[str, ...]
    created_at: datetime
    agent_id: int | None = None
    state: State = State.OPEN
    holds: bool = False


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A stored message of an agent to the third party; `hold`: the ticket waits for the answer."""

    actor: Actor
    at: datetime
    id: int
    hold: bool = False
    files: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A stored message of the third party. `newcomers` are in copy of a proven one; agents may add them."""

    actor: Actor
    at: datetime
    id: int
    courtesy: Courtesy = Courtesy.NONE
    newcomers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The conversation and the change of its ticket after something happened."""

    side: Side
    change: Change


def addresses(text: str) -> tuple[str, ...]:
    """The addresses that somebody typed, the first first. Raises NotAllowed for what is none."""
    words = [word.strip("<>").lower() for word in _BETWEEN.split(text.strip()) if word]
    wrong = next((word for word in words if not _ADDRESS.fullmatch(word) or ".." in word.rpartition("@")[2]), None)
    if wrong is not None:
        raise NotAllowed(f"{wrong[:100]!r} is no address that mail can be sent to")
    return tuple(dict.fromkeys(words))


def check_people(people: Sequence[str], requester: str, boxes: Collection[str]) -> None:
    """Whether these may be asked aside; raises NotAllowed."""
    if not people:
        raise NotAllowed("there is no address to write to")
    if len(people) > MOST_PEOPLE:
        raise NotAllowed(f"a side conversation has at most {MOST_PEOPLE} people")
    if requester in people:
        raise NotAllowed(f"{requester} is the requester, who may never read it: send a reply instead")
    ours = next((one for one in people if one in boxes), None)
    if ours is not None:
        raise NotAllowed(f"{ours} is a mailbox of this desk: give the ticket to its team, or link one of theirs")


def begun(side: Side, ticket: Ticket, actor: Actor, at: datetime) -> Step:
    """An agent begins it."""
    return Step(side, Change(ticket, (_event(side, ticket, at, EventKind.SIDE_OPENED, actor, why=side.subject),)))


def sent(side: Side, ticket: Ticket, message: SentMessage) -> Step:
    """An agent writes to the third party; in a closed conversation that opens it again."""
    if ticket.merged_into is not None:
        raise NotAllowed(f"ticket #{ticket.id} was merged into #{ticket.merged_into}")
    if "@" not in side.address:
        raise NotAllowed("whoever was asked there was erased: ask somebody else")
    actor, at = message.actor, message.at
    first = _opened_again(side, ticket, actor, at, "an agent wrote")
    data = SideSent(files=message.files, side=side.id)
    event = _event(side, ticket, at, EventKind.SIDE_SENT, actor)
    change = Change(ticket, (*first, replace(event, message_id=message.id, data=data)))
    if message.hold:
        why = f"waiting for {side.address}"
        change = change.then(transitions.set_status(ticket, Status.ON_HOLD, actor, at, why))
    return Step(replace(side, state=State.OPEN, holds=side.holds or message.hold), change)


def answered(side: Side, ticket: Ticket, message: ReceivedMessage) -> Step:
    """The third party writes. A ticket that waited for it is open again; a bare thanks opens no closed conversation."""
    actor, at = message.actor, message.at
    first = _opened_again(side, ticket, actor, at, "they wrote") if message.courtesy is Courtesy.NONE else ()
    event = replace(_event(side, ticket, at, EventKind.SIDE_ANSWERED, actor), message_id=message.id)
    strangers = [each for each in dict.fromkeys(message.newcomers) if each not in side.people]
    if strangers:
        event = event.with_data(newcomers=tuple(strangers[:MOST_PEOPLE]))
    now = replace(side, state=State.OPEN if first else side.state)
    return _let_go(now, Change(ticket, (*first, event)), DESK, at, f"{side.address} answered")


def kept(side: Side, ticket: Ticket, at: datetime, why: str, message_id: int) -> Step:
    """Automatic mail is kept there, and is no answer."""
    data = EventData(side=side.id)
    event = Event(ticket.id, at, EventKind.AUTOMATIC_KEPT, DESK, why=why, data=data, message_id=message_id)
    return Step(side, Change(ticket, (event,)))


def failed(side: Side, ticket: Ticket, at: datetime) -> Step:
    """A mail to the third party did not arrive: waiting for its answer is in vain."""
    return _let_go(side, Change(ticket), DESK, at, f"the mail to {side.address} did not arrive")


def closed(side: Side, ticket: Ticket, actor: Actor, at: datetime) -> Step:
    """Nothing more is expected; what they write later still comes here."""
    if side.state is State.CLOSED:
        return Step(side, Change(ticket))
    event = _event(side, ticket, at, EventKind.SIDE_CLOSED, actor)
    return _let_go(
        replace(side, state=State.CLOSED), Change(ticket, (event,)), actor, at, "the question aside is closed"
    )


def reopened(side: Side, ticket: Ticket, actor: Actor, at: datetime) -> Step:
    return Step(replace(side, state=State.OPEN), Change(ticket, _opened_again(side, ticket, actor, at, "")))


def takes_part(side: Side, sender: str, requester: str, own_domains: Collection[str]) -> bool:
    """Whether a mail that names this conversation is said in it, as `threading` has it for the public one: by whom it
    is with, or somebody of their organisation. Never by the requester, whose mail is public wherever it is sent."""
    return sender != requester and threading.may_speak_for_desk(sender, side.people, own_domains)


def quoted(words: str, earlier: Sequence[tuple[str, str]]) -> str:
    """An agent's words with earlier messages (who said it and when, what) quoted below them, the newest last."""
    parts = [words.rstrip()]
    for heading, text in earlier:
        lines = text.strip("\n").rstrip().split("\n")
        cut = [*lines[:MOST_LINES], "…"] if len(lines) > MOST_LINES else lines
        parts.append(
            "\n".join([heading, *(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in cut)])
        )
    return "\n\n".join(parts)


def _let_go(side: Side, change: Change, actor: Actor, at: datetime, why: str) -> Step:
    """The ticket that was on hold for this goes on; one that was moved meanwhile stays where it is."""
    if not side.holds:
        return Step(side, change)
    ticket = change.ticket
    if ticket.status is Status.ON_HOLD and ticket.merged_into is None:
        change = change.then(transitions.set_status(ticket, Status.OPEN, actor, at, why))
        change = change.then(properties.wake(change.ticket, actor, at, why))
    return Step(replace(side, holds=False), change)


def _opened_again(side: Side, ticket: Ticket, actor: Actor, at: datetime, why: str) -> tuple[Event, ...]:
    return (_event(side, ticket, at, EventKind.SIDE_REOPENED, actor, why=why),) if side.state is State.CLOSED else ()


def _event(side: Side, ticket: Ticket, at: datetime, kind: EventKind, actor: Actor, why: str = "") -> Event:
    whom = ", ".join(side.people) if kind in (EventKind.SIDE_OPENED, EventKind.SIDE_SENT) else side.address
    return Event(ticket.id, at, kind, actor, after=whom, why=why, data=EventData(side=side.id))
