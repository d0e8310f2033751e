"""Commands on macros: list, add."""

from __future__ import annotations

import tomllib
from typing import Any

import click

from cli.command import Call, DeskGroup
from cli.trouble import Trouble
from desk.rules.actions import BadAction
from desk.rules.actions import words as action_words
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.people import people
from usecases.rules import macros
from usecases.rules.macros import Macro

macro_group = DeskGroup("macro", help="Texts and actions that agents use again and again.")


@macro_group.command("list")
def list_macros(call: Call) -> None:
    """All macros."""
    with call.reading() as session:
        rows = [_row(session, macro) for macro in macros.list_all(session)]
    call.rows(rows, ("id", "name", "whose", "uses", "does"))


@macro_group.command("add")
@click.argument("name")
@click.option("--text", default="", help=r"With {names} in braces; \n is a new line.")
@click.option("--actions", default="[]", metavar="TOML", help="""Such as '[{ tag = "refund" }]'.""")
@click.option("--team", default="", metavar="NAME", help="Whose it is; without one: everybody's.")
def add(call: Call, name: str, text: str, actions: str, team: str) -> None:
    """A new macro for everybody or a team, or another version of one."""
    with call.writing() as session:
        whose = people.team_named(session, team) if team else None
        if team and whose is None:
            raise Trouble(f"there is no team {team!r}", 64)
        try:
            done = tomllib.loads(f"actions = {actions}")["actions"]
            number = macros.save(session, name, text.replace("\\n", "\n"), done, team_id=whose.id if whose else None)
        except (tomllib.TOMLDecodeError, BadAction, NotAllowed) as error:
            raise Trouble(str(error), 64) from error
        row = next(_row(session, macro) for macro in macros.list_all(session) if macro.id == number)
    call.answer(row, f"macro {name} is number {number}")


def _row(session: Session, macro: Macro) -> dict[str, Any]:
    owner = people.by_ids(session, [macro.owner_id]).get(macro.owner_id) if macro.owner_id else None
    teams = {team.id: team.name for team in people.all_teams(session)}
    whose = owner.address if owner else teams.get(macro.team_id or 0, "everybody")
    done = ", ".join(map(action_words, macro.actions))
    return {"id": macro.id, "name": macro.name, "whose": whose, "uses": macro.uses, "does": done, "text": macro.text}
