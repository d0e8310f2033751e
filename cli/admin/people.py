"""Commands for mailboxes, teams, agents and API tokens."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from cli.process.init import new_password
from console.access import passwords
from desk.access.permissions import Role, role_named
from desk.channels import Channel
from desk.config import owner_settings
from desk.config.settings import Settings
from desk.mail.inbound_request import Party
from desk.tickets.ticket import NotAllowed
from storage.access import api_tokens, visibility
from storage.db.session import Session
from storage.people import accounts, agent_sessions, people
from storage.people.addresses import canonical
from storage.people.people import Mailbox, NewAgent, Person, Team
from usecases.access import membership, staff
from usecases.access.membership import COMMAND_LINE

SCOPES = api_tokens.SCOPES
MAX_SIGNATURE = 2_000
ROLES = tuple(str(role) for role in Role)


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
    """A new agent; of one who is there already, only what the options name is changed."""
    address = _address(args.address)
    with opened(settings) as store, _refusals(), store.database.transaction() as session:
        known = people.by_address(session, address)
        if known is not None and known.role:
            changed, password = _changed_agent(session, known, args, now)
        else:
            changed, password = [], _new_agent(session, address, args, now)
        agent = people.by_address(session, address)
        assert agent is not None
        values = _agent(session, agent)
    if args.json:
        output.as_json(values | {"password": password or None, "changed": changed})
        return 0
    was = f"agent {agent.address} ({agent.role}) is there already: {', '.join(changed) or 'nothing was changed'}"
    print(was if known is not None and known.role else f"agent {agent.address} ({agent.role})")
    print(f"password: {password}\nIt is shown only now." if password else _AGENT_FLAGS)
    return 0


@contextmanager
def _refusals() -> Iterator[None]:
    """What the desk refuses is told in a sentence."""
    try:
        yield
    except NotAllowed as error:
        raise Trouble(str(error)) from error


_AGENT_FLAGS = "--role, --name, --team, --slack-user, --new-password and --activate change what they name."


def _new_agent(session: Session, address: str, args: argparse.Namespace, now: datetime) -> str:
    password = new_password()
    private = visibility.private_teams(session)
    public = [team.id for team in people.all_teams(session) if team.id not in private]
    teams = [_team(session, name).id for name in args.team] or public[:1]
    role = str(role_named(args.role or Role.AGENT))
    agent = people.add_agent(session, NewAgent(address, args.name or "", role, passwords.hash_password(password)), now)
    _join(session, agent, teams, now)
    if args.slack_user:
        accounts.set_account(session, Channel.SLACK, agent.id, args.slack_user, now)
    return password


def _changed_agent(session: Session, agent: Person, args: argparse.Namespace, now: datetime) -> tuple[list[str], str]:
    """What was changed of an agent who is there, in words; and the new password, if one was asked for."""
    changed = [f"{name} {value}" for name in ("role", "name", "slack_user") if (value := getattr(args, name))]
    changed += [f"team {name}" for name in args.team]
    if args.activate and not agent.active:
        staff.set_active(session, agent, COMMAND_LINE, now, active=True)
        changed.append("active again")
    if args.role:
        staff.set_role(session, agent, args.role, COMMAND_LINE, now)
    if args.name:
        people.set_name(session, agent.id, args.name)
    if args.slack_user:
        accounts.set_account(session, Channel.SLACK, agent.id, args.slack_user, now)
    _join(session, agent, [_team(session, name).id for name in args.team], now)
    password = new_password() if args.new_password else ""
    if password:
        agent_sessions.set_password(session, agent.id, passwords.hash_password(password))
        changed.append("a new password")
    return changed, password


def _join(session: Session, agent: Person, teams: Sequence[int], now: datetime) -> None:
    for team_id in teams:
        membership.join(session, team_id, agent, COMMAND_LINE, now)


def agent_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_agent(session, agent) for agent in people.all_agents(session)]
    return output.rows(args, rows, ("id", "address", "name", "role", "active", "slack_user"))


def agent_deactivate(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, _refusals(), store.database.transaction() as session:
        agent = people.by_address(session, args.address)
        if agent is None or not agent.role:
            raise Trouble(f"there is no agent {args.address}")
        staff.set_active(session, agent, COMMAND_LINE, now, active=False)
    return output.said(args, {"id": agent.id, "address": agent.address, "active": False}, f"{agent.address} is out")


def vip_words(own: Any, command: Callable[[Any, str, Any, str], argparse.ArgumentParser]) -> None:
    made = command(own, "vip", person_vip, "raise this person's requests")
    made.add_argument("address")
    made.add_argument("--off", action="store_true", help="no longer")


def person_vip(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    """Whose new requests stand one step higher, up to High."""
    with opened(settings) as store, store.database.transaction() as session:
        address = _address(args.address)
        person = people.ensure_people(session, [Party(address)], now)[address]
        people.set_vip(session, person.id, vip=not args.off)
    said = f"{address} is {'no longer a' if args.off else 'a'} VIP"
    return output.said(args, {"id": person.id, "address": address, "vip": not args.off}, said)


def mailbox_add(
    args: argparse.Namespace, settings: Settings, _now: datetime, *, check: Callable[[Mapping[str, Any]], object]
) -> int:
    """`check` reads the settings of fetching as the gateway will, and raises ValueError where they are wrong."""
    address, given = _address(args.address), _imap(args)
    with opened(settings) as store, store.database.reading() as session:
        fetching = _fetching(given, _mailbox_at(session, address))
    try:
        if given is not None and fetching is not None:
            check(fetching)
    except ValueError as error:
        raise Trouble(f"the mailbox cannot be fetched like this: {error}", 64) from error
    with opened(settings) as store, store.database.transaction() as session:
        signature = None if args.signature is None else args.signature.replace("\\n", "\n").strip()[:MAX_SIGNATURE]
        present = _mailbox_at(session, address)
        name = args.name or (present.name if present else "")
        box = people.add_mailbox(session, address, name, _mailbox_team(session, args, present), fetching, signature)
    fetched = f" fetched by IMAP from {box.imap['host']}" if box.imap else ""
    return output.said(args, box, f"mailbox {box.address}{fetched}")


def _mailbox_at(session: Session, address: str) -> Mailbox | None:
    return next((box for box in people.all_mailboxes(session) if box.address == address), None)


def _fetching(given: dict[str, Any] | None, present: Mailbox | None) -> Mapping[str, Any] | None:
    """How it is fetched from now on. Options without a host complete the settings that the mailbox has.

    Whoever names the host on this machine vouches for it; one that HTTP named stays guarded.
    """
    stored = present.imap if present else None
    if given is None:
        return stored
    return given if "host" in given else {**(stored or {}), **given}


def _mailbox_team(session: Session, args: argparse.Namespace, known: Mailbox | None) -> int | None:
    """The named team; otherwise the one that it has, and of a new one the first."""
    if args.team:
        return _team(session, args.team).id
    return known.team_id if known else next((team.id for team in people.all_teams(session)), None)


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
    local, at, domain = canonical(text).rpartition("@")
    if not at or not local or not domain or any(c.isspace() or c in '<>,;"' for c in text.strip()):
        raise Trouble(f"{text!r} is not a mail address")
    return f"{local}@{domain}"


def _team(session: Session, name: str) -> Team:
    team = people.team_named(session, name)
    if team is None:
        raise Trouble(f"there is no team {name!r}: `frontdesk team add {name!r}` makes it")
    return team


def _agent(session: Session, agent: Person) -> dict[str, Any]:
    values = {name: getattr(agent, name) for name in ("id", "address", "name", "role", "active")}
    return values | {"slack_user": accounts.account_of(session, Channel.SLACK, agent.id)}


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
    if not whole and not imap:
        return None
    try:
        return owner_settings.vouched({**json.loads(whole or "{}"), **imap})
    except (ValueError, TypeError) as error:
        raise Trouble("--imap-json is not a JSON object", 64) from error
