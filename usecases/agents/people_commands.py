"""Runs agents' commands about people: who is in copy, who the requester is, which other address is the agent's own."""

from __future__ import annotations

from datetime import datetime

from desk.tickets.commands import Command
from desk.tickets.ticket import Actor, NotAllowed, Ticket
from storage.db.session import Session
from usecases.agents import aliases
from usecases.tickets import cc, requester

NAMES = frozenset({"copy", "requester", "alias"})


def check(session: Session, ticket: Ticket, command: Command, actor: Actor) -> None:
    """Raises NotAllowed where the command cannot be done."""
    if command.name == "requester":
        requester.plan_change(session, ticket, command.argument)
    elif command.name == "alias" and actor.id is None:
        raise NotAllowed("only an agent has other addresses")
    else:
        cc.check_address(command.argument)


def run(
    session: Session, ticket: Ticket, command: Command, actor: Actor, now: datetime, *, react: bool
) -> tuple[Ticket, str]:
    """The ticket afterwards, and a line of text for what was done."""
    if command.name == "requester":
        return requester.change(session, ticket, command.argument, actor, now, react=react), (
            f"the requester is now {command.argument.lower()}"
        )
    if command.name == "copy":
        return cc.add(session, ticket, command.argument, actor, now), f"put {command.argument.lower()} in copy"
    address = aliases.confirm(session, actor.id or 0, command.argument, now)
    return ticket, f"{address} counts as your address from now on; what came from it before was not sent"
