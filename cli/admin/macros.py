"""Commands on macros: list, add."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.rules.actions import BadAction
from desk.rules.actions import words as action_words
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.people import people
from usecases.rules import macros
from usecases.rules.macros import Macro

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(own: Any, command: Command) -> None:
    """The group's commands."""
    command(own, "list", listing, "all macros")
    made = command(own, "add", add, "a new macro for everybody or a team, or another version of one")
    made.add_argument("name")
    made.add_argument("--text", default="", help=r"with {names} in braces; \n is a new line")
    made.add_argument("--actions", default="[]", help="""as TOML: '[{ tag = "refund" }]'""")
    made.add_argument("--team", default="")


def listing(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_row(session, macro) for macro in macros.list_all(session)]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("id", "name", "whose", "uses", "does"))
    return 0


def add(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        team = people.team_named(session, args.team) if args.team else None
        if args.team and team is None:
            raise Trouble(f"there is no team {args.team!r}", 64)
        try:
            done = tomllib.loads(f"actions = {args.actions}")["actions"]
            text = args.text.replace("\\n", "\n")
            number = macros.save(session, args.name, text, done, team_id=team.id if team else None)
        except (tomllib.TOMLDecodeError, BadAction, NotAllowed) as error:
            raise Trouble(str(error), 64) from error
        row = _row(session, _macro(session, number))
    return output.said(args, row, f"macro {args.name} is number {number}")


def _macro(session: Session, number: int) -> Macro:
    found = next((macro for macro in macros.list_all(session) if macro.id == number), None)
    if found is None:
        raise Trouble(f"there is no macro {number}: `frontdesk macro list` shows all")
    return found


def _row(session: Session, macro: Macro) -> dict[str, Any]:
    owner = people.by_ids(session, [macro.owner_id]).get(macro.owner_id) if macro.owner_id else None
    teams = {team.id: team.name for team in people.all_teams(session)}
    whose = owner.address if owner else teams.get(macro.team_id or 0, "everybody")
    done = ", ".join(map(action_words, macro.actions))
    return {"id": macro.id, "name": macro.name, "whose": whose, "uses": macro.uses, "does": done, "text": macro.text}
