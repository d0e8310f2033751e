"""Commands on agents: a new one or other facts of one, the list, who left, and other addresses of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click

from cli.admin.addresses import agent_of, mail_address
from cli.admin.teams import team_named
from cli.command import Call, DeskGroup
from cli.process.init import new_password
from console.access import passwords
from desk.access.permissions import Role, role_named
from desk.channels import Channel
from storage.access import visibility
from storage.db.session import Session
from storage.people import accounts, agent_sessions, people
from storage.people.people import NewAgent, Person
from usecases.access import membership, staff
from usecases.access.membership import COMMAND_LINE
from usecases.agents import aliases

_FLAGS = "--role, --name, --team, --slack-user, --new-password and --activate change what they name."

agent_group = DeskGroup("agent", help="The agents.", more=["cli.admin.absence"])


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What the options of `agent add` name."""

    name: str
    role: str | None
    slack_user: str
    teams: tuple[str, ...]
    new_password: bool
    activate: bool


@agent_group.command()
@click.argument("address")
@click.option("--name", default="", help="As it is shown to requesters.")
@click.option("--role", type=click.Choice([str(role) for role in Role]), help="Of a new agent: agent, unless named.")
@click.option("--team", "teams", multiple=True, metavar="NAME", help="Of a new agent: the first public one.")
@click.option("--slack-user", default="", metavar="slack:TEAM:USER", help="Their account in Slack.")
@click.option("--new-password", is_flag=True, help="Of an agent who is there; shown once.")
@click.option("--activate", is_flag=True, help="An agent who left is back.")
def add(call: Call, address: str, **given: Any) -> None:
    """A new agent; of one who is there, what the options name is changed."""
    options = AgentOptions(**given)
    with call.writing() as session:
        before = people.by_address(session, mail_address(address))
        is_new = before is None or not before.role
        changed: list[str] = []
        if before is None or is_new:
            password = _add(session, mail_address(address), options, call.now)
        else:
            changed, password = _change(session, before, options, call.now)
        agent = agent_of(session, mail_address(address))
        row = _row(session, agent)
    text = f"agent {agent.address} ({agent.role})"
    text += "" if is_new else f" is there already: {', '.join(changed) or 'nothing was changed'}"
    text += f"\npassword: {password}\nIt is shown only now." if password else f"\n{_FLAGS}"
    call.answer(row | {"password": password or None, "changed": changed}, text)


def _add(session: Session, address: str, options: AgentOptions, now: datetime) -> str:
    password = new_password()
    private = visibility.private_teams(session)
    public = [team.id for team in people.all_teams(session) if team.id not in private]
    teams = [team_named(session, name).id for name in options.teams] or public[:1]
    role = str(role_named(options.role or Role.AGENT))
    agent = people.add_agent(session, NewAgent(address, options.name, role, passwords.hash_password(password)), now)
    _join(session, agent, teams, now)
    if options.slack_user:
        accounts.set_account(session, Channel.SLACK, agent.id, options.slack_user, now)
    return password


def _change(session: Session, agent: Person, options: AgentOptions, now: datetime) -> tuple[list[str], str]:
    """What was changed of an agent who is there, in words; and the new password, if one was asked for."""
    changed = [f"{name} {value}" for name in ("role", "name", "slack_user") if (value := getattr(options, name))]
    changed += [f"team {name}" for name in options.teams]
    if options.activate and not agent.active:
        staff.set_active(session, agent, COMMAND_LINE, now, active=True)
        changed.append("active again")
    if options.role:
        staff.set_role(session, agent, options.role, COMMAND_LINE, now)
    if options.name:
        people.set_name(session, agent.id, options.name)
    if options.slack_user:
        accounts.set_account(session, Channel.SLACK, agent.id, options.slack_user, now)
    _join(session, agent, [team_named(session, name).id for name in options.teams], now)
    password = new_password() if options.new_password else ""
    if password:
        agent_sessions.set_password(session, agent.id, passwords.hash_password(password))
        changed.append("a new password")
    return changed, password


def _join(session: Session, agent: Person, teams: Sequence[int], now: datetime) -> None:
    for team_id in teams:
        membership.join(session, team_id, agent, COMMAND_LINE, now)


@agent_group.command("list")
def list_agents(call: Call) -> None:
    """All agents."""
    with call.reading() as session:
        rows = [_row(session, agent) for agent in people.all_agents(session)]
    call.rows(rows, ("id", "address", "name", "role", "active", "slack_user"))


@agent_group.command()
@click.argument("address")
def deactivate(call: Call, address: str) -> None:
    """An agent who left; open tickets go to others."""
    with call.writing() as session:
        agent = agent_of(session, address)
        staff.set_active(session, agent, COMMAND_LINE, call.now, active=False)
    call.answer({"id": agent.id, "address": agent.address, "active": False}, f"{agent.address} is out")


@agent_group.command()
@click.argument("address")
@click.argument("alias", default="")
@click.option("--off", is_flag=True, help="It acts as nobody any more.")
def alias(call: Call, address: str, alias: str, off: bool) -> None:
    """Another address that acts as this agent; without one: which there are.

    Whoever sits at the command line vouches for the address: nothing has to have come from there.
    """
    with call.writing() as session:
        agent = agent_of(session, address)
        if alias and off:
            aliases.remove(session, agent.id, alias)
        elif alias:
            aliases.add(session, agent.id, alias, call.now)
        rows = [asdict(row) for row in aliases.aliases_of_agent(session, agent.id)]
    call.rows(rows, ("address", "confirmed_at", "seen_at"))


def _row(session: Session, agent: Person) -> dict[str, Any]:
    row = {name: getattr(agent, name) for name in ("id", "address", "name", "role", "active")}
    return row | {"slack_user": accounts.account_of(session, Channel.SLACK, agent.id)}
