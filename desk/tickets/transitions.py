"""What can happen to a ticket: each function takes the ticket as it is and returns the changed ticket with its events.

Nothing here stores, sends or asks the clock. A transition that is not allowed raises NotAllowed with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from desk.mail.thanks import Courtesy
from desk.priority.levels import Priority
from desk.priority.reasons import BY_AGENT, PriorityReasons
from desk.tickets.event_data import EventData, Opening, PriorityChange, TagChange, Transfer
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, DONE, MOVES, Actor, ActorKind, Change, Event, NotAllowed, Status, Ticket


def opened(ticket: Ticket, actor: Actor, why: str) -> Change:
    """A new ticket's first event; `why` names the channel and mailbox. Its data is where the history begins."""
    data = Opening(
        priority=str(ticket.priority),
        category=ticket.category,
        team_id=ticket.team_id,
        organisation_id=ticket.organisation_id,
    )
    status, at = str(ticket.status), ticket.created_at
    return Change(ticket, (Event(ticket.id, at, EventKind.OPENED, actor, after=status, why=why, data=data),))


NOT_REOPENED = "thanks: not reopened"
"""Why a message that asks for nothing left a finished ticket finished."""


def receive(
    ticket: Ticket, actor: Actor, at: datetime, message_id: int | None = None, courtesy: Courtesy = Courtesy.NONE
) -> Change:
    """The requester wrote again: a waiting or finished ticket opens, any other keeps its status.

    A closing courtesy opens nothing that is finished. What waits for the requester waits on only after a bare thanks:
    "works now" and "ok" may be the answer that it waits for.
    """
    ticket = replace(ticket, undelivered_at=None)
    done = ticket.status in DONE and courtesy is not Courtesy.NONE
    if done or (ticket.status is Status.PENDING and courtesy is Courtesy.THANKS):
        return _change(
            ticket, Event(ticket.id, at, EventKind.REQUESTER_REPLIED, actor, why=NOT_REOPENED, message_id=message_id)
        )
    said = _change(
        ticket, Event(ticket.id, at, EventKind.REQUESTER_REPLIED, actor, message_id=message_id), reminded_at=None
    )
    said = said.then(_awake(said.ticket, actor, at, "the requester replied"))
    if ticket.status in (Status.PENDING, Status.RESOLVED, Status.CLOSED):
        return said.then(reopen(said.ticket, actor, at, "the requester replied"))
    return said


def keep_automatic(ticket: Ticket, at: datetime, why: str, message_id: int | None = None) -> Change:
    """Automatic mail is kept on its ticket: no status, no clock, no answer."""
    return Change(ticket, (Event(ticket.id, at, EventKind.AUTOMATIC_KEPT, DESK, why=why, message_id=message_id),))


def reply(ticket: Ticket, actor: Actor, at: datetime, message_id: int | None = None, *, owns: bool = True) -> Change:
    """An agent's public reply: it is now the requester's turn. Who answers first owns it, if they may own it."""
    ticket = replace(ticket, undelivered_at=None) if actor.kind is ActorKind.AGENT else ticket
    first = ticket.first_response_at or at
    said = _change(
        ticket,
        Event(ticket.id, at, EventKind.REPLIED, actor, message_id=message_id),
        first_response_at=first,
        reminded_at=None,
    )
    if owns and ticket.assignee_id is None and actor.id is not None:
        said = said.then(assign(said.ticket, actor.id, actor.name, actor, at, "replied first"))
    if ticket.status in (Status.NEW, Status.OPEN):
        said = said.then(set_status(said.ticket, Status.PENDING, actor, at, "waiting for the requester"))
    return said


def note(ticket: Ticket, actor: Actor, at: datetime, message_id: int | None = None, why: str = "") -> Change:
    """An internal note; nothing but the history changes."""
    return _change(ticket, Event(ticket.id, at, EventKind.NOTED, actor, why=why, message_id=message_id))


def assign(ticket: Ticket, agent_id: int | None, name: str, actor: Actor, at: datetime, why: str = "") -> Change:
    """The ticket gets one owner (None: none)."""
    if ticket.assignee_id == agent_id:
        return Change(ticket)
    data = Transfer(from_id=ticket.assignee_id, to_id=agent_id)
    flag = None if agent_id is not None else ticket.unroutable_at
    owned: dict[str, Any] = {"assignee_id": agent_id, "unroutable_at": flag}
    changed = _change(ticket, Event(ticket.id, at, EventKind.ASSIGNED, actor, after=name, why=why, data=data), **owned)
    if ticket.status is Status.NEW and agent_id is not None:
        changed = changed.then(set_status(changed.ticket, Status.OPEN, actor, at, "assigned"))
    return changed


def to_team(ticket: Ticket, team_id: int, name: str, actor: Actor, at: datetime, why: str = "") -> Change:
    """Another team owns the ticket; an assignee stays only if routing or an agent says so, so it is cleared."""
    if ticket.team_id == team_id:
        return Change(ticket)
    data = Transfer(from_id=ticket.team_id, to_id=team_id)
    moved = _change(
        ticket, Event(ticket.id, at, EventKind.TEAM_CHANGED, actor, after=name, why=why, data=data), team_id=team_id
    )
    return moved.then(assign(moved.ticket, None, "", actor, at, f"moved to team {name}"))


def resolve(ticket: Ticket, actor: Actor, at: datetime, why: str = "") -> Change:
    """The agent says that it is solved."""
    return set_status(ticket, Status.RESOLVED, actor, at, why)


def close(ticket: Ticket, actor: Actor, at: datetime, why: str = "") -> Change:
    """Finished; a late reply opens a follow-up."""
    return set_status(ticket, Status.CLOSED, actor, at, why)


def reopen(ticket: Ticket, actor: Actor, at: datetime, why: str = "") -> Change:
    """Back to work."""
    return set_status(ticket, Status.OPEN, actor, at, why)


def set_status(ticket: Ticket, status: Status, actor: Actor, at: datetime, why: str = "") -> Change:
    """The ticket moves along MOVES; the same status again is no change."""
    if ticket.merged_into is not None:
        raise NotAllowed(f"ticket #{ticket.id} was merged into #{ticket.merged_into}")
    if status is ticket.status:
        return Change(ticket)
    if status not in MOVES[ticket.status]:
        raise NotAllowed(f"a ticket that is {ticket.status} cannot become {status}")
    kind = EventKind.REOPENED if ticket.status in DONE and status is Status.OPEN else EventKind.STATUS_CHANGED
    kept = ticket.resolved_at if status is Status.CLOSED else None
    times: dict[str, Any] = {
        "resolved_at": at if status is Status.RESOLVED else kept,
        "closed_at": at if status is Status.CLOSED else None,
        "reminded_at": None,
        "unroutable_at": None if status in DONE else ticket.unroutable_at,
        "undelivered_at": None if status in DONE and actor.kind is ActorKind.AGENT else ticket.undelivered_at,
    }
    moved = _change(
        ticket,
        Event(ticket.id, at, kind, actor, before=str(ticket.status), after=str(status), why=why),
        status=status,
        **times,
    )
    return moved if status not in DONE else moved.then(_awake(moved.ticket, actor, at, str(status)))


def set_priority(
    ticket: Ticket,
    priority: Priority,
    actor: Actor,
    at: datetime,
    why: str = "",
    because: PriorityReasons | None = None,
) -> Change:
    """Another priority, with the reason; what an agent sets is marked, so that the desk leaves it alone."""
    if priority is ticket.priority:
        return Change(ticket)
    reasons = ticket.priority_why if because is None else because
    if actor.kind is ActorKind.AGENT:
        reasons = replace(reasons, set_by=BY_AGENT)
    elif because is None and why:
        reasons = replace(reasons, reasons=(why, *reasons.reasons))
    before, kind, data = ticket.priority, EventKind.PRIORITY_CHANGED, PriorityChange(was_why=ticket.priority_why)
    return _change(
        ticket,
        Event(ticket.id, at, kind, actor, before=str(before), after=str(priority), why=why, data=data),
        priority=priority,
        priority_why=reasons,
    )


def set_category(
    ticket: Ticket, category: str | None, actor: Actor, at: datetime, why: str = "", via: str = ""
) -> Change:
    """Another category; an agent's change is a correction that the categoriser learns from."""
    if category == ticket.category:
        return Change(ticket)
    before, after, data = ticket.category or "", category or "", EventData(via=via)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.CATEGORY_CHANGED, actor, before=before, after=after, why=why, data=data),
        category=category,
    )


def confirm_category(ticket: Ticket, category: str, actor: Actor, at: datetime, via: str = "") -> Change:
    """The agent says that the guess is right; what was only suggested is set, and the word is kept either way."""
    if category != ticket.category:
        return set_category(ticket, category, actor, at, "the suggestion was right", via)
    data = EventData(via=via)
    return _change(ticket, Event(ticket.id, at, EventKind.CATEGORY_CONFIRMED, actor, category, category, data=data))


def tag(ticket: Ticket, tags: tuple[str, ...], actor: Actor, at: datetime) -> Change:
    """Further tags; those that it has are not added twice."""
    new = tuple(dict.fromkeys(t for t in tags if t not in ticket.tags))
    if not new:
        return Change(ticket)
    data = TagChange(tags=new)
    return _change(
        ticket, Event(ticket.id, at, EventKind.TAGGED, actor, after=", ".join(new), data=data), tags=ticket.tags + new
    )


def merge(ticket: Ticket, into: Ticket, actor: Actor, at: datetime) -> tuple[Change, Change]:
    """`ticket` ends; `into` survives and gets its messages and its later mail. Returns both changes."""
    if ticket.id == into.id:
        raise NotAllowed("a ticket cannot be merged into itself")
    for one in (ticket, into):
        if one.merged_into is not None:
            raise NotAllowed(f"ticket #{one.id} was merged into #{one.merged_into} already")
    closed = close(ticket, actor, at, f"merged into #{into.id}")
    gone = closed.then(
        _change(
            closed.ticket,
            Event(closed.ticket.id, at, EventKind.MERGED_INTO, actor, after=str(into.id)),
            merged_into=into.id,
        )
    )
    return gone, _change(into, Event(into.id, at, EventKind.MERGED_FROM, actor, after=str(ticket.id)))


def _awake(ticket: Ticket, actor: Actor, at: datetime, why: str) -> Change:
    if ticket.snoozed_until is None:
        return Change(ticket)
    return _change(
        ticket,
        Event(ticket.id, at, EventKind.WOKEN, actor, before=ticket.snoozed_until.isoformat(), why=why),
        snoozed_until=None,
    )


def _change(ticket: Ticket, event: Event, **fields: Any) -> Change:
    """The ticket with these fields, and the event that says so."""
    return Change(replace(ticket, updated_at=event.at, **fields), (event,))
