"""Commands for mailboxes, teams, agents and API tokens."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from cli.process.init import new_password
from console.access import passwords
from desk.config.settings import Settings
from desk.mail.inbound_request import Party
from desk.slack.orders import is_account, is_channel
from storage.access import api_tokens
from storage.db.session import Session
from storage.people import people
from storage.people.people import Mailbox, Person, Team

SCOPES = api_tokens.SCOPES
MAX_SIGNATURE = 2_000
ROLES = ("agent", "lead", "admin", "read-only")


def team_add(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        return output.said(args, people.add_team(session, args.name), f"team {args.name}")


def team_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        teams = people.all_teams(session)
        members = people.members(session, [team.id for team in teams])
    rows = [asdict(team) | {"agents": [agent.address for agent in members[team.id]]} for team in teams]
    return output.rows(args, rows, ("id", "name", "agents", "slack_channel"))


def agent_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    password = new_password()
    hashed = passwords.hashed(password)
    with opened(settings) as store, store.database.transaction() as session:
        teams = [_team(session, name).id for name in args.team] or [t.id for t in people.all_teams(session)[:1]]
        agent = people.add_agent(session, _address(args.address), args.name, args.role, hashed, teams, now)
        if args.slack_user:
            people.set_slack_user(session, agent.id, args.slack_user)
    if args.json:
        output.as_json(_agent(agent) | {"password": password})
    else:
        print(f"agent {agent.address} ({args.role}), password: {password}\nIt is shown only now.")
    return 0


def agent_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_agent(agent) for agent in people.all_agents(session)]
    return output.rows(args, rows, ("id", "address", "name", "role", "active", "slack_user"))


def agent_deactivate(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        agent = people.by_address(session, args.address)
        if agent is None or not agent.role:
            raise Trouble(f"there is no agent {args.address}")
        people.set_active(session, agent.id, active=False)
    return output.said(args, {"id": agent.id, "address": agent.address, "active": False}, f"{agent.address} is out")


def vip_words(own: Any, command: Callable[[Any, str, Any, str], argparse.ArgumentParser]) -> None:
    made = command(own, "vip", person_vip, "raise this person's requests")
    made.add_argument("address")
    made.add_argument("--off", action="store_true", help="no longer")


def agent_slack(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """Which account in Slack acts as this agent; `--off`: none."""
    if not args.off and not is_account(args.account):
        raise Trouble(f"{args.account!r} is no account such as slack:T0123:U0456 (its author sees it in Slack)")
    with opened(settings) as store, store.database.transaction() as session:
        agent = people.by_address(session, args.address)
        if agent is None or not agent.role:
            raise Trouble(f"there is no agent {args.address}")
        people.set_slack_user(session, agent.id, "" if args.off else args.account)
        linked = people.by_ids(session, [agent.id])[agent.id]
    return output.said(args, _agent(linked), f"{agent.address}: {linked.slack_user or 'no account in Slack'}")


def team_slack(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """In which channel the team's tickets have their threads; `--off`: in none."""
    if not args.off and not is_channel(args.channel):
        raise Trouble(
            f"{args.channel!r} is no channel's id such as C0123456 (Slack shows it under the channel's details)"
        )
    with opened(settings) as store, store.database.transaction() as session:
        team = _team(session, args.name)
        people.set_slack_channel(session, team.id, "" if args.off else args.channel)
    value = {"id": team.id, "name": team.name, "slack_channel": "" if args.off else args.channel}
    return output.said(args, value, f"{team.name}: {value['slack_channel'] or 'no channel in Slack'}")


def person_vip(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    """Whose new requests stand one step higher, up to High."""
    with opened(settings) as store, store.database.transaction() as session:
        address = _address(args.address)
        person = people.ensure(session, [Party(address)], now)[address]
        people.set_vip(session, person.id, vip=not args.off)
    said = f"{address} is {'no longer a' if args.off else 'a'} VIP"
    return output.said(args, {"id": person.id, "address": address, "vip": not args.off}, said)


def mailbox_add(
    args: argparse.Namespace, settings: Settings, _now: datetime, *, check: Callable[[Mapping[str, Any]], object]
) -> int:
    """`check` reads the settings of fetching as the gateway will, and raises ValueError where they are wrong."""
    imap = _imap(args)
    try:
        if imap is not None:
            check(imap)
    except ValueError as error:
        raise Trouble(f"the mailbox cannot be fetched like this: {error}", 64) from error
    with opened(settings) as store, store.database.transaction() as session:
        teams = people.all_teams(session)
        team_id = _team(session, args.team).id if args.team else next((t.id for t in teams), None)
        signature = None if args.signature is None else args.signature.replace("\\n", "\n").strip()[:MAX_SIGNATURE]
        box = people.add_mailbox(session, _address(args.address), args.name, team_id, imap, signature)
    return output.said(args, box, f"mailbox {box.address}" + (" fetched by IMAP" if box.imap else ""))


def mailbox_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        teams = {team.id: team.name for team in people.all_teams(session)}
        rows = [_mailbox(box, teams) for box in people.all_mailboxes(session)]
    return output.rows(args, rows, ("id", "address", "name", "team", "fetched_from"))


def token_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        token = api_tokens.create(session, args.name, args.scope or ["inbound"], now)
    if args.json:
        output.as_json({"name": args.name, "token": token})
    else:
        print(f"token {args.name}: {token}\nIt is shown only now.")
    return 0


def token_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(token) for token in api_tokens.all_tokens(session)]
    return output.rows(args, rows, ("id", "name", "scopes", "created_at", "revoked_at"))


def token_revoke(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        if not api_tokens.revoke(session, args.id, now):
            raise Trouble(f"there is no valid token {args.id}")
    return output.said(args, {"id": args.id, "revoked": True}, f"token {args.id} is void")


def _address(text: str) -> str:
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not local or not domain or any(c.isspace() or c in '<>,;"' for c in text.strip()):
        raise Trouble(f"{text!r} is not a mail address")
    return f"{local}@{domain}"


def _team(session: Session, name: str) -> Team:
    team = people.team_named(session, name)
    if team is None:
        raise Trouble(f"there is no team {name!r}: `frontdesk team add {name!r}` makes it")
    return team


def _agent(agent: Person) -> dict[str, Any]:
    names = ("id", "address", "name", "role", "active", "slack_user")
    return {name: getattr(agent, name) for name in names}


def _mailbox(box: Mailbox, teams: dict[int, str]) -> dict[str, Any]:
    imap = dict(box.imap or {})
    fetched = f"{imap['host']}" if imap else ""
    row = {"id": box.id, "address": box.address, "name": box.name, "fetched_from": fetched, "imap": box.imap}
    row["signature"] = box.signature
    return row | {"team": teams.get(box.team_id or 0, "")}


def _imap(args: argparse.Namespace) -> dict[str, Any] | None:
    """How the mailbox is fetched, from the options that were given; secrets are named, never stored."""
    given = {name.removeprefix("imap_"): value for name, value in vars(args).items() if name.startswith("imap_")}
    whole = given.pop("json", None)
    imap = {name: value for name, value in given.items() if value is not None}
    if not whole:
        return imap or None
    try:
        return {**json.loads(whole), **imap}
    except (ValueError, TypeError) as error:
        raise Trouble("--imap-json is not a JSON object", 64) from error
