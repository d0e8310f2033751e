"""Runs an agent's commands on one ticket, and returns a line of text for each.

All or nothing: the caller rolls back if one is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.priority.levels import Priority
from desk.tickets import properties, transitions
from desk.tickets.commands import Command
from desk.tickets.fields import Unfilled
from desk.tickets.parse_when import until
from desk.tickets.ticket import Actor, Change, NotAllowed, Status, Ticket
from storage.db.session import Session
from storage.people import holders, people
from storage.people.people import Person
from storage.tickets import tickets
from usecases.agents import people_commands
from usecases.rules import macros
from usecases.tickets import custom_fields, merging, resolution, undo
from usecases.tickets.merging import MergeRequest

UTC = ZoneInfo("UTC")


def macro_texts(
    session: Session, ticket: Ticket, commands: Sequence[Command], actor: Actor, now: datetime
) -> list[str]:
    """The texts of the macros among the commands, for this ticket."""
    wanted_macros = [
        macros.get_by_name(session, actor.id or 0, command.argument) for command in commands if command.name == "macro"
    ]
    return [macros.render_text(session, macro, ticket, actor, now) for macro in wanted_macros]


def check_commands(session: Session, ticket: Ticket, commands: Sequence[Command], actor: Actor) -> None:
    """Raises NotAllowed if one of the commands names somebody or something that is not there.

    Whether a command fits the ticket is known only once those before it are done, so that is left to `commands`: the
    caller takes all of it back if one is refused.
    """
    for command in commands:
        if command.name == "assign" and command.argument.lower() != "me":
            _agent(session, command.argument)
        elif command.name == "team":
            _team_id(session, command.argument)
        elif command.name == "merge":
            _other(session, ticket, command.argument)
        elif command.name == "side":
            raise NotAllowed("a third party is asked by mail, in the console or by the command line")
        elif command.name in people_commands.NAMES:
            people_commands.check(session, ticket, command, actor)
        elif command.name == "macro":
            macros.get_by_name(session, actor.id or 0, command.argument)
        elif command.name == "field":
            _field_change(session, ticket, command, actor, ticket.updated_at)


@dataclass(frozen=True, slots=True)
class CommandRun:
    """Who gives commands and when, by which channel (`via`), in which time zone, and whether notices follow."""

    actor: Actor
    now: datetime
    react: bool
    via: str = ""
    zone: ZoneInfo = UTC


def run_commands(session: Session, ticket: Ticket, commands: Sequence[Command], run: CommandRun) -> list[str]:
    """Runs the commands in order; returns a line for each."""
    actor, now, react = run.actor, run.now, run.react
    lines = []
    for command in commands:
        if command.name in ("note", "reply"):
            continue
        if command.name == "undo":
            ticket = undo.undo(session, ticket.id, None, actor, now)
            lines.append("took the last change back")
            continue
        if command.name in people_commands.NAMES:
            ticket, line = people_commands.run(session, ticket, command, actor, now, react=react)
            lines.append(line)
            continue
        if command.name == "merge":
            into = merging.merge(
                session, MergeRequest(ticket.id, _other(session, ticket, command.argument), actor, now, react=react)
            )
            lines.append(f"merged into #{into.id}")
            ticket = into
            continue
        if command.name == "macro":
            ticket = _macro(session, ticket, command.argument, actor, now, react)
            lines.append(f"used the macro {command.argument}")
            continue
        change = _change(session, ticket, command, run)
        lines.append(_result_line(command, change))
        ticket = tickets.save(session, change, react=react)
    return lines


_STATUS = {
    "resolve": Status.RESOLVED, "close": Status.CLOSED, "pending": Status.PENDING, "hold": Status.ON_HOLD,
    "reopen": Status.OPEN,
}  # fmt: skip


def _change(session: Session, ticket: Ticket, command: Command, run: CommandRun) -> Change:
    word, actor, now = command.argument, run.actor, run.now
    match command.name:
        case "assign" | "take":
            agent = _agent(session, word) if command.name == "assign" and word.lower() != "me" else None
            agent_id, name = (agent.id, agent.name or agent.address) if agent else (actor.id, actor.name)
            holders.check(session, ticket.team_id, agent_id)
            return transitions.assign(ticket, agent_id, name, actor, now, "by command")
        case "team":
            return transitions.to_team(ticket, _team_id(session, word), word, actor, now, "by command")
        case "priority":
            return transitions.set_priority(ticket, Priority(word.lower()), actor, now, "by command")
        case "category":
            return transitions.set_category(ticket, word, actor, now, "by command", run.via)
        case "tag":
            return transitions.tag(ticket, tuple(word.replace(",", " ").split()), actor, now)
        case "snooze":
            return properties.snooze(ticket, until(word, now, run.zone), actor, now, "by command")
        case "field":
            return _field_change(session, ticket, command, actor, now)
        case _ if _status(command) is Status.RESOLVED:
            words = word if command.name == "resolve" else ""
            return _fill_required(
                session, ticket, resolution.resolve(session, ticket, actor, now, words, why="by command")
            )
        case _:
            return _fill_required(
                session, ticket, transitions.set_status(ticket, _status(command), actor, now, "by command")
            )


def _fill_required(session: Session, ticket: Ticket, change: Change) -> Change:
    """The change; where a required field is empty, the error says what to write."""
    try:
        return custom_fields.refuse_unfilled_end(session, ticket, change)
    except Unfilled as error:
        lines = " and ".join(f"`#field {field.name} VALUE`" for field in error.empty)
        raise NotAllowed(f"{error}: write {lines} above it") from error


def _macro(session: Session, ticket: Ticket, name: str, actor: Actor, now: datetime, react: bool) -> Ticket:
    result = macros.apply(session, macros.get_by_name(session, actor.id or 0, name), ticket, actor, now, react=react)
    if result.refused:
        raise NotAllowed("; ".join(result.refused))
    return result.ticket


def _field_change(session: Session, ticket: Ticket, command: Command, actor: Actor, now: datetime) -> Change:
    name, value = command.argument.split(None, 1)
    return custom_fields.fill_field(session, ticket, name, value, actor, now)


def _result_line(command: Command, change: Change) -> str:
    words = {
        "assign": "assigned to",
        "take": "assigned to you",
        "pending": "status is now pending",
        "hold": "status is now on hold",
        "reopen": "status is now open",
        "snooze": "sleeps until",
        "field": "filled in",
        "team": "moved to team",
        "priority": "priority is now",
        "category": "category is now",
        "tag": "tagged",
        "resolve": "status is now resolved",
        "close": "status is now closed",
        "status": "status is now",
    }
    already = "" if change.events else " (it was so already)"
    argument = "" if command.name == "resolve" else command.argument
    return f"{words[command.name]} {argument}".strip() + already


def _status(command: Command) -> Status:
    return _STATUS.get(command.name) or Status(command.argument.lower().replace(" ", "_"))


def _agent(session: Session, word: str) -> Person:
    """The one active agent whose address or name is this word, or begins with it."""
    name = word.lower().lstrip("@")
    if not name:
        raise NotAllowed(f"{word!r} is nobody's name")
    active = [person for person in people.all_agents(session) if person.active]
    exact = [p for p in active if name in (p.address, p.name.lower(), p.address.partition("@")[0])]
    matches = exact or [p for p in active if p.name.lower().startswith(name)]
    if len(matches) != 1:
        raise NotAllowed(f"{len(matches) or 'no'} agents are called {word!r}")
    return matches[0]


def _team_id(session: Session, name: str) -> int:
    team = people.team_named(session, name)
    if team is None:
        raise NotAllowed(f"there is no team {name!r}")
    return team.id


def _other(session: Session, ticket: Ticket, word: str) -> int:
    number = int(word.removeprefix("#"))
    other = tickets.merge_target(session, number)
    if other is None or other.id == ticket.id:
        raise NotAllowed(f"this ticket cannot be merged into #{number}")
    return other.id
