"""Commands on signatures: an agent's, a team's, a mailbox's; shown, or written anew."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.people import people
from storage.people.addresses import canonical
from storage.tickets import signatures

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def agent_words(own: Any, command: Command) -> None:
    _words(command(own, "signature", _of_agent, "what stands below this agent's replies"), "address")


def team_words(own: Any, command: Command) -> None:
    _words(command(own, "signature", _of_team, "what stands below replies of agents without one of their own"), "name")


def mailbox_words(own: Any, command: Command) -> None:
    made = command(own, "signature", _of_mailbox, "what stands below replies where neither agent nor team has one")
    _words(made, "address")


def _words(made: argparse.ArgumentParser, key: str) -> None:
    made.add_argument(key)
    made.add_argument("--text", help=r"plain text with names in braces; \n is a new line, an empty text takes it away")
    made.add_argument("--dry-run", action="store_true", help="say what it would be, keep nothing")


def _of_agent(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    def find(session: Session) -> tuple[int, str]:
        agent = people.by_address(session, args.address.strip())
        if agent is None or not agent.is_agent:
            raise Trouble(f"there is no agent {args.address}")
        return agent.id, signatures.of_agent(session, agent.id)

    return _go(args, settings, args.address, find, signatures.set_agent)


def _of_team(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    def find(session: Session) -> tuple[int, str]:
        team = people.team_named(session, args.name)
        if team is None:
            raise Trouble(f"there is no team {args.name!r}")
        return team.id, signatures.of_teams(session)[team.id]

    return _go(args, settings, args.name, find, signatures.set_team)


def _of_mailbox(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    def find(session: Session) -> tuple[int, str]:
        wanted = canonical(args.address)
        box = next((one for one in people.all_mailboxes(session) if one.address == wanted), None)
        if box is None:
            raise Trouble(f"there is no mailbox {args.address}")
        return box.id, box.signature

    return _go(args, settings, args.address, find, signatures.set_mailbox)


def _go(
    args: argparse.Namespace,
    settings: Settings,
    name: str,
    find: Callable[[Session], tuple[int, str]],
    keep: Callable[[Session, int, str], str],
) -> int:
    """Shows it; with a text, writes it first."""
    with opened(settings) as store, store.database.transaction() as session:
        number, text = find(session)
        try:
            if args.text is not None:
                wanted = args.text.replace("\\n", "\n")
                text = signatures.checked(wanted) if args.dry_run else keep(session, number, wanted)
        except NotAllowed as error:
            raise Trouble(str(error), 64) from error
    if args.json:
        output.as_json({"of": name, "signature": text})
    else:
        print(text or "(none)")
    return 0
