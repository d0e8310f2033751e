"""Runs the actions of rules, macros and escalations on a ticket, with the names in them looked up.

Each action is an event whose `why` names the rule. The caller's transaction holds the ticket. An action that is
refused (NotAllowed) or fails changes nothing and is reported; the others are done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from desk.priority.levels import Priority
from desk.rules.actions import Action
from desk.rules.macros import fill
from desk.tickets import properties, transitions
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, NotAllowed, Status, Ticket
from storage.db.session import Session, is_conflict, is_outage
from storage.people import holders, people
from storage.runtime.failures import reason_of
from storage.tickets import tickets
from usecases.tickets import conversation, custom_fields, watchers
from usecases.tickets.conversation import Written

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Who acts, when and why; `values` fill the placeholders in texts; `react` enqueues the consequences."""

    actor: Actor
    now: datetime
    why: str = ""
    values: Mapping[str, str] | None = None
    react: bool = True


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The ticket afterwards, and the actions that were refused."""

    ticket: Ticket
    refused: tuple[str, ...] = ()


def run_actions(session: Session, ticket: Ticket, actions: Sequence[Action], doing: ActionContext) -> ActionResult:
    """All actions in order on a ticket that this transaction holds.

    Each has a savepoint of its own: one that is refused, or breaks, leaves nothing half done, and the next sees the
    ticket as it is. What breaks is a bug, so it is logged; a database that is away is nobody's fault, and rises.
    """
    refused: list[str] = []
    for action in actions:
        try:
            with session.savepoint():
                ticket = _run_action(session, ticket, action, doing)
        except NotAllowed as error:
            refused.append(f"{action.do}: {error}")
        except Exception as error:
            if is_outage(error) or is_conflict(error):
                raise
            log.exception("rule_action_failed", ticket_id=ticket.id, action=action.do)
            refused.append(f"{action.do}: it failed ({reason_of(error)})")
    return ActionResult(ticket, tuple(refused))


def plan_events(session: Session, ticket: Ticket, actions: Sequence[Action], doing: ActionContext) -> tuple[Event, ...]:
    """The events that these actions would make; nothing is stored. For dry runs; texts and notices count as one."""
    happened: list[Event] = []
    for action in actions:
        try:
            change = change_of(session, ticket, action, doing)
        except NotAllowed:
            continue
        if change is None:
            happened.append(
                Event(ticket.id, doing.now, EventKind(action.do), doing.actor, after=_shown(action), why=doing.why)
            )
        else:
            ticket, happened = change.ticket, [*happened, *change.events]
    return tuple(happened)


def agent_named(session: Session, name: str) -> people.Person:
    """The one active agent with this address or name; NotAllowed where there is none or several."""
    wanted_name = name.strip().lower().lstrip("@")
    matches = [p for p in people.all_agents(session) if p.active and wanted_name in (p.address, p.name.lower())]
    if len(matches) != 1:
        raise NotAllowed(f"{len(matches) or 'no'} agents are called {name!r}")
    return matches[0]


def _run_action(session: Session, ticket: Ticket, action: Action, doing: ActionContext) -> Ticket:
    change = change_of(session, ticket, action, doing)
    if change is None:
        return _TEXTS[action.do](session, ticket, action.value, doing)
    return tickets.save(session, change, react=doing.react)


def change_of(session: Session, ticket: Ticket, action: Action, doing: ActionContext) -> Change | None:
    """The change that an action makes; None for those that write something instead."""
    make = _CHANGES.get(action.do)
    return make(session, ticket, action.value, doing) if make else None


def _assign(session: Session, ticket: Ticket, value: str, doing: ActionContext) -> Change:
    if value == "nobody":
        return transitions.assign(ticket, None, "", doing.actor, doing.now, doing.why)
    if value == "me":
        if doing.actor.id is None:
            raise NotAllowed("a rule is nobody that a ticket could be assigned to")
        holders.check(session, ticket.team_id, doing.actor.id)
        return transitions.assign(ticket, doing.actor.id, doing.actor.name, doing.actor, doing.now, doing.why)
    agent = agent_named(session, value)
    holders.check(session, ticket.team_id, agent.id)
    return transitions.assign(ticket, agent.id, agent.name or agent.address, doing.actor, doing.now, doing.why)


def _team(session: Session, ticket: Ticket, value: str, doing: ActionContext) -> Change:
    team = people.team_named(session, value)
    if team is None:
        raise NotAllowed(f"there is no team {value!r}")
    return transitions.to_team(ticket, team.id, team.name, doing.actor, doing.now, doing.why)


def _status(session: Session, ticket: Ticket, value: str, doing: ActionContext) -> Change:
    change = transitions.set_status(ticket, Status(value), doing.actor, doing.now, doing.why)
    return custom_fields.refuse_unfilled_end(session, ticket, change)


def _field(_session: Session, ticket: Ticket, value: Mapping[str, Any], doing: ActionContext) -> Change:
    change = Change(ticket)
    for name, field_value in value.items():
        change = change.then(properties.set_field(change.ticket, name, field_value, doing.actor, doing.now, doing.why))
    return change


def _tag(_session: Session, ticket: Ticket, value: tuple[str, ...], doing: ActionContext) -> Change:
    change = transitions.tag(ticket, value, doing.actor, doing.now)
    return Change(change.ticket, tuple(replace(event, why=doing.why) for event in change.events))


def _snooze(_session: Session, ticket: Ticket, value: float, doing: ActionContext) -> Change:
    return properties.snooze(ticket, doing.now + timedelta(hours=value), doing.actor, doing.now, doing.why)


def _note(session: Session, ticket: Ticket, value: str, doing: ActionContext) -> Ticket:
    return conversation.note(
        session, ticket, Written(doing.actor, _filled(value, doing), doing.now, via=doing.why or "rule")
    )


def _reply(session: Session, ticket: Ticket, value: str, doing: ActionContext) -> Ticket:
    return conversation.reply(
        session, ticket, Written(doing.actor, _filled(value, doing), doing.now, via=doing.why or "rule")
    )


def _notify(session: Session, ticket: Ticket, value: tuple[str, ...], doing: ActionContext) -> Ticket:
    """An event that asks for a notice; whom "lead", "team" and "assignee" mean is found when it is written."""
    event = Event(ticket.id, doing.now, EventKind.NOTICE_ASKED, doing.actor, after=", ".join(value), why=doing.why)
    return tickets.save(session, Change(ticket, (event,)), react=doing.react)


def _watch(session: Session, ticket: Ticket, value: tuple[str, ...], doing: ActionContext) -> Ticket:
    for name in value:
        ticket = watchers.watch(session, ticket, agent_named(session, name), doing.actor, doing.now, doing.why)
    return ticket


def _filled(text: str, doing: ActionContext) -> str:
    return fill(text, doing.values or {})


def _shown(action: Action) -> str:
    return action.value if isinstance(action.value, str) else ", ".join(map(str, action.value))


_CHANGES: Mapping[str, Callable[[Session, Ticket, Any, ActionContext], Change]] = {
    "assign": _assign,
    "team": _team,
    "status": _status,
    "priority": lambda _s, t, v, d: transitions.set_priority(t, Priority(v), d.actor, d.now, d.why),
    "category": lambda _s, t, v, d: transitions.set_category(t, v, d.actor, d.now, d.why),
    "tag": _tag,
    "untag": lambda _s, t, v, d: properties.untag(t, v, d.actor, d.now, d.why),
    "field": _field,
    "snooze_hours": _snooze,
}
_TEXTS: Mapping[str, Callable[[Session, Ticket, Any, ActionContext], Ticket]] = {
    "note": _note,
    "reply": _reply,
    "notify": _notify,
    "watch": _watch,
}
