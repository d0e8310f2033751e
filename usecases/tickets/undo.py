"""Undoes a change of a ticket: reads the history, takes one step back, and moves messages where that needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from desk.tickets import history as told
from desk.tickets import undo as rules
from desk.tickets.event_data import EventData, Merge
from desk.tickets.events import EventKind
from desk.tickets.participants import COPIED
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Ticket
from desk.tickets.undo import History, Names
from storage.db.session import Session
from storage.people import holders, people
from storage.tables.tickets import links, messages, participants
from storage.tickets import tickets
from usecases.tickets import links as ticket_links
from usecases.tickets import merging, requester, side_conversations
from usecases.tickets.merging import MergeRequest


def undoable_numbers(session: Session, ticket: Ticket) -> tuple[int, ...]:
    """The ids of the events that can be undone now."""
    return rules.possible(ticket, tickets.numbered_history(session, ticket.id))


def shown_numbers(session: Session, ticket_id: int, shown: Sequence[Event]) -> list[int]:
    """The ids of the events that are shown: the whole history, or a part of it in the same order."""
    numbers: list[int] = []
    for number, event in tickets.numbered_history(session, ticket_id):
        if len(numbers) < len(shown) and shown[len(numbers)] == event:
            numbers.append(number)
    return numbers


def undo(session: Session, ticket_id: int, number: int | None, actor: Actor, at: datetime) -> Ticket:
    """Undoes that event, or the newest that can be; returns the ticket afterwards."""
    ticket = tickets.get(session, ticket_id, lock=True)
    if ticket is None:
        raise NotAllowed(f"there is no ticket #{ticket_id}")
    history = tickets.numbered_history(session, ticket_id)
    if number is None:
        number = rules.newest(ticket, history)
    event = next((event for event_number, event in history if event_number == number), None)
    if event is not None and event.kind in rules.MOVING:
        if number not in rules.possible(ticket, history):
            raise NotAllowed("this was undone already, or something later depends on it")
        return _undo_move(session, ticket, number, event, actor, at)
    change = rules.undo(ticket, history, number, actor, at, _names(session))
    if change.ticket.parent_id not in (None, ticket.parent_id):
        ticket_links.check_parent(session, ticket, tickets.get(session, change.ticket.parent_id or 0))
    if change.ticket.assignee_id != ticket.assignee_id:
        holders.check(session, change.ticket.team_id, change.ticket.assignee_id)
    requester.follow_undo(session, change, ticket)
    return tickets.save(session, change)


def _undo_move(session: Session, ticket: Ticket, number: int, event: Event, actor: Actor, at: datetime) -> Ticket:
    if event.kind == EventKind.SPLIT:
        return _undo_split(session, ticket, number, event, actor, at)
    if event.kind == EventKind.MERGED_FROM:
        _undo_merge(session, int(event.after), actor, at)
    else:
        _undo_merge(session, ticket.id, actor, at)
    back = tickets.get(session, ticket.id)
    assert back is not None
    return back


def _undo_split(session: Session, ticket: Ticket, number: int, event: Event, actor: Actor, at: datetime) -> Ticket:
    """Merges the split ticket back, if nothing else has happened to it."""
    other = int(event.after)
    there = [message.id for message in tickets.messages_of(session, other, most=2)]
    if there != [event.message_id]:
        raise NotAllowed(f"#{other} has more messages by now; merge it instead")
    merged = merging.merge(session, MergeRequest(other, ticket.id, actor, at, why="undid the split"))
    undone = Event(ticket.id, at, EventKind.SPLIT_UNDONE, actor, before=str(other), data=EventData(undid=(number,)))
    return tickets.save(session, Change(merged, (undone,)))


def _undo_merge(session: Session, gone_id: int, actor: Actor, at: datetime) -> None:
    """Reopens the merged ticket, with the messages and people that it brought."""
    history = tickets.numbered_history(session, gone_id)
    number, merged = _last(history, EventKind.MERGED_INTO)
    into_id = int(merged.after)
    locked = tickets.get_many(session, [gone_id, into_id], lock=True)
    merged_ticket, into = locked.get(gone_id), locked.get(into_id)
    if merged_ticket is None or into is None or merged_ticket.merged_into != into_id:
        raise NotAllowed(f"#{gone_id} is not merged into #{into_id} any more")
    if into.merged_into is not None:
        raise NotAllowed(f"#{into_id} was merged into #{into.merged_into} later; undo that first")
    if merged.data_as(Merge).messages is None:
        raise NotAllowed("this merge was done before the desk noted what it moved; split the messages instead")
    _bring_back(session, merged, gone_id, into_id)
    tickets.save(session, _reopened(merged_ticket, history, number, actor, at))
    from_number = _last(tickets.numbered_history(session, into_id), EventKind.MERGED_FROM, str(gone_id))[0]
    event = Event(into_id, at, EventKind.UNMERGED, actor, before=str(gone_id), data=EventData(undid=(from_number,)))
    tickets.save(session, Change(into, (event,)))


def _bring_back(session: Session, merged: Event, gone_id: int, into_id: int) -> None:
    """Those messages that are still there; who came in copy only by the merge leaves again."""
    moved = merged.data_as(Merge)
    ids = list(moved.messages or ())
    mine = (messages.c.id.in_(ids), messages.c.ticket_id == into_id)
    session.execute(sa.update(messages).where(*mine).values(ticket_id=gone_id))
    side_conversations.move_back(session, ids, into_id, gone_id)
    c = participants.c
    came = (c.ticket_id == into_id, c.address.in_(list(moved.copies)), c.role.in_(sorted(COPIED)))
    session.execute(sa.delete(participants).where(*came))
    tickets.add_participants(session, [(into_id, address, part) for address, part in moved.were.items()])
    linked = (links.c.ticket_id == gone_id, links.c.other_id == into_id, links.c.kind == "merged")
    session.execute(sa.delete(links).where(*linked))


def _reopened(merged_ticket: Ticket, history: History, number: int, actor: Actor, at: datetime) -> Change:
    """As it was before the merge: its status, if the merge closed it, and no ticket that it is part of."""
    place = next(place for place, (event_number, _) in enumerate(history) if event_number == number)
    merged = history[place][1]
    closing = history[place - 1] if place else None
    events: list[Event] = []
    if closing and closing[1].kind == EventKind.STATUS_CHANGED and closing[1].why == f"merged into #{merged.after}":
        start = told.beginning(merged_ticket, [event for _, event in history])
        before = told.replay(start, [event for _, event in history[: place - 1]])
        names = ("status", "resolved_at", "closed_at", "reminded_at")
        restored = {name: getattr(before, name) for name in names}
        data = EventData(undid=(closing[0],), restored=told.encoded(restored))
        why = "undid the merge"
        events.append(
            Event(
                merged_ticket.id,
                at,
                EventKind.STATUS_CHANGED,
                actor,
                str(merged_ticket.status),
                str(before.status),
                why,
                data,
            )
        )
        merged_ticket = replace(merged_ticket, **restored)
    data = EventData(undid=(number,), restored={"merged_into": None})
    events.append(Event(merged_ticket.id, at, EventKind.UNMERGED, actor, before=merged.after, data=data))
    return Change(replace(merged_ticket, merged_into=None, updated_at=at), tuple(events))


def _last(history: History, kind: str, after: str = "") -> tuple[int, Event]:
    matches = [(n, event) for n, event in history if event.kind == kind and after in ("", event.after)]
    if not matches:
        raise NotAllowed("this ticket was not merged")
    return matches[-1]


def _names(session: Session) -> Names:
    agents = {agent.id: agent.name or agent.address for agent in people.all_agents(session) if agent.active}
    return Names(agents, {team.id: team.name for team in people.all_teams(session)})
