"""The command on other addresses of an agent: which there are, one more, one less."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.tickets.ticket import NotAllowed
from storage.people import people
from usecases.agents import aliases

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def agent_words(own: Any, command: Command) -> None:
    alias = command(own, "alias", agent_alias, "another address that acts as this agent; without one: which there are")
    alias.add_argument("address")
    alias.add_argument("alias", nargs="?", default="", metavar="ADDRESS")
    alias.add_argument("--off", action="store_true", help="it acts as nobody any more")


def agent_alias(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    """Whoever sits at the command line vouches for the address: nothing has to have come from there."""
    with opened(settings) as store, store.database.transaction() as session:
        agent = people.by_address(session, args.address)
        if agent is None or not agent.role:
            raise Trouble(f"there is no agent {args.address}")
        try:
            if args.alias and args.off:
                aliases.remove(session, agent.id, args.alias)
            elif args.alias:
                aliases.add(session, agent.id, args.alias, now)
        except NotAllowed as error:
            raise Trouble(str(error)) from error
        rows = [asdict(alias) for alias in aliases.aliases_of_agent(session, agent.id)]
    return output.rows(args, rows, ("address", "confirmed_at", "seen_at"))
