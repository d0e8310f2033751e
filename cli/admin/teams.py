"""Commands on teams; how a team shares its tickets stands in desk.toml and on the page Teams."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.command import Call, DeskGroup
from cli.trouble import Trouble
from storage.db.session import Session
from storage.people import people
from storage.people.people import Team

team_group = DeskGroup("team", help="The teams.")


@team_group.command()
@click.argument("name")
def add(call: Call, name: str) -> None:
    """A new team."""
    with call.writing() as session:
        team = people.add_team(session, name)
    call.answer(team, f"team {name}")


@team_group.command("list")
def list_teams(call: Call) -> None:
    """All teams with their agents."""
    with call.reading() as session:
        teams = people.all_teams(session)
        members = people.members(session, [team.id for team in teams])
    rows = [asdict(team) | {"agents": [agent.address for agent in members[team.id]]} for team in teams]
    call.rows(rows, ("id", "name", "agents", "slack_channel"))


def team_named(session: Session, name: str) -> Team:
    """The team of that name; raises Trouble where there is none."""
    team = people.team_named(session, name)
    if team is None:
        raise Trouble(f"there is no team {name!r}: `frontdesk team add {name!r}` makes it")
    return team
