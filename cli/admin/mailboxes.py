"""Commands for the desk's addresses: a new one with its login tried, the list, and one that goes.

What a new address cannot do (a name that leaves no room for reply addresses, a relay that does not answer) is said at
once, on stderr, so that --json stays one document.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from cli.admin.addresses import mail_address
from cli.admin.teams import team_named
from cli.command import Call, Decorator, DeskGroup
from cli.diagnose.doctor import relay
from cli.diagnose.findings import OK
from cli.trouble import Trouble
from desk.config import owner_settings
from desk.config.settings import Settings
from desk.signed import reply_address
from gateway.email.imap import config as imap_config
from gateway.email.imap import login
from gateway.email.imap.config import ImapConfig
from gateway.email.imap.credentials import Credentials
from gateway.email.imap.errors import ImapError
from storage.db.session import Session
from storage.people import people
from storage.people.addresses import canonical
from storage.people.people import Mailbox
from storage.runtime.guarded_connection import guard_for

MAX_SIGNATURE = 2_000

mailbox_group = DeskGroup("mailbox", help="The addresses of the desk.")


def _secret(name: str) -> Decorator:
    """An option that says where a secret is kept: `password-env`, `token-file`, …"""
    secret, _, place = name.partition("-")
    kept = {"env": "The variable that holds", "file": "The file that holds", "command": "The command that prints"}
    return click.option(f"--imap-{name}", metavar="NAME", help=f"{kept[place]} the {secret}.")


@mailbox_group.command()
@click.argument("address")
@click.option("--name", default="", help="As it is shown to requesters.")
@click.option("--team", default="", metavar="NAME", help="Whose tickets come of it; of a new one: the first team.")
@click.option("--signature", metavar="TEXT", help=r"Below every reply; \n is a new line, {agent} who answers.")
@click.option("--imap-host", metavar="HOST", help="Fetch it from there.")
@click.option("--imap-port", type=int)
@click.option("--imap-tls", type=click.Choice(imap_config.TLS))
@click.option("--imap-user")
@click.option("--imap-auth", type=click.Choice(imap_config.AUTH))
@_secret("password-env")
@_secret("password-file")
@_secret("password-command")
@_secret("token-env")
@_secret("token-file")
@_secret("token-command")
@click.option("--imap-folder", "imap_folders", multiple=True, metavar="NAME", help="INBOX, unless named.")
@click.option("--imap-after", metavar="seen|nothing|move:FOLDER", help="What becomes of a mail that is stored.")
@click.option("--imap-start", type=click.Choice(imap_config.START), help="What of the older mail is fetched.")
@click.option("--imap-poll-seconds", type=float)
@click.option("--imap-ca-file", metavar="FILE")
@click.option("--imap-json", metavar="JSON", help="All of this at once, and `refresh` for OAuth refresh tokens.")
@click.option("--no-test", is_flag=True, help="Do not try the login first.")
def add(call: Call, address: str, name: str, team: str, signature: str | None, no_test: bool, **imap: Any) -> None:
    """A new address of the desk; of one that is there, what the options name is changed."""
    place = mail_address(address)
    if not place.isascii():
        raise Trouble(f"{address!r}: before the @ a mailbox has ASCII letters only", 64)
    given = _given(imap)
    with call.reading() as session:
        fetching = _completed(given, _mailbox_at(session, place))
    if given is not None and fetching is not None:
        _check(fetching, call.settings, log_in=not no_test)
    text = None if signature is None else signature.replace("\\n", "\n").strip()[:MAX_SIGNATURE]
    with call.writing() as session:
        present = _mailbox_at(session, place)
        name = name or (present.name if present else "")
        box = people.add_mailbox(session, place, name, _team(session, team, present), fetching, text)
    call.answer(box, f"mailbox {box.address}" + (f" fetched by IMAP from {box.imap['host']}" if box.imap else ""))
    for sentence in _remarks(call, place, test=not no_test):
        print(f"frontdesk: {sentence}", file=sys.stderr)


@mailbox_group.command("list")
def list_mailboxes(call: Call) -> None:
    """All addresses of the desk."""
    with call.reading() as session:
        teams = {team.id: team.name for team in people.all_teams(session)}
        rows = [_row(box, teams) for box in people.all_mailboxes(session)]
    call.rows(rows, ("id", "address", "name", "team", "fetched_from"))


@mailbox_group.command()
@click.argument("address")
def remove(call: Call, address: str) -> None:
    """One that no ticket was sent to: answers leave in the name of the mailbox that was written to."""
    with call.writing() as session:
        boxes = people.all_mailboxes(session)
        box = _mailbox_at(session, canonical(address))
        if box is None:
            raise Trouble(f"there is no mailbox {address}")
        if len(boxes) == 1:
            raise Trouble(f"{box.address} is the only mailbox: add another one first")
        count = people.tickets_of_mailbox(session, box.id)
        if count:
            raise Trouble(_needed(box, count))
        people.remove_mailbox(session, box.id)
    text = f"mailbox {box.address} is gone: nothing is fetched for it, and mail to it is refused with 550"
    call.answer({"id": box.id, "address": box.address, "removed": True}, text)


def _mailbox_at(session: Session, address: str) -> Mailbox | None:
    return next((box for box in people.all_mailboxes(session) if box.address == address), None)


def _given(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the options say of fetching; secrets are named, never stored."""
    named = {name.removeprefix("imap_"): value for name, value in options.items() if value not in (None, ())}
    if not named:
        return None
    if "folders" in named:
        named["folders"] = list(named["folders"])
    try:
        return owner_settings.vouched({**json.loads(named.pop("json", "{}")), **named})
    except (ValueError, TypeError) as error:
        raise Trouble("--imap-json is not a JSON object", 64) from error


def _completed(given: dict[str, Any] | None, present: Mailbox | None) -> Mapping[str, Any] | None:
    """How it is fetched from now on. Options without a host complete the settings that the mailbox has.

    Whoever names the host on this machine vouches for it; one that HTTP named stays guarded.
    """
    stored = present.imap if present else None
    if given is None:
        return stored
    return given if "host" in given else {**(stored or {}), **given}


def _check(fetching: Mapping[str, Any], settings: Settings, *, log_in: bool) -> None:
    """Reads the settings as the gateway will, and tries the login."""
    try:
        config = imap_config.read_config(fetching)
        if log_in:
            _log_in(config, settings)
    except ValueError as error:
        raise Trouble(f"the mailbox cannot be fetched like this: {error}", 64) from error


def _log_in(config: ImapConfig, settings: Settings) -> None:
    guard = guard_for(settings)
    try:
        login.drop(login.connect(config, Credentials(config, os.environ, time.monotonic, guard), guard))
    except ImapError as error:
        raise ValueError(f"{error} (--no-test adds it all the same)") from error


def _team(session: Session, name: str, before: Mailbox | None) -> int | None:
    """The named team; otherwise the one that it has, and of a new one the first."""
    if name:
        return team_named(session, name).id
    return before.team_id if before else next((team.id for team in people.all_teams(session)), None)


def _row(box: Mailbox, teams: Mapping[int, str]) -> dict[str, Any]:
    row = {"id": box.id, "address": box.address, "name": box.name, "team": teams.get(box.team_id or 0, "")}
    return row | {"fetched_from": (box.imap or {}).get("host", ""), "imap": box.imap, "signature": box.signature}


def _needed(box: Mailbox, count: int) -> str:
    return (
        f"{box.address} stays: {count} ticket{' was' if count == 1 else 's were'} sent to it, and answers leave in its "
        "name. To end only the fetching, apply a desk.toml with imap = {}; to refuse its mail, do so at your server"
    )


def _remarks(call: Call, address: str, *, test: bool) -> list[str]:
    """What this mailbox cannot do as it is."""
    remarks: list[str] = []
    if not reply_address.has_room(address):
        with call.reading() as session:
            boxes = [box.address for box in people.all_mailboxes(session)]
        remarks.append(long_name(address, reply_address.carrier(address, boxes)))
    relayed = relay(call.settings) if test and call.settings.relay_url else None
    if relayed is not None and relayed.state != OK:
        remarks.append(f"the relay: {relayed.found}; {relayed.advice}")
    return remarks


def long_name(address: str, carrier: str) -> str:
    """What follows from a name that leaves no room for a token within 64 octets."""
    why = f"the name of {address} has more than {reply_address.LONGEST_NAME} letters, too many for its reply addresses"
    if carrier:
        return f"{why}: answers to its mail come to {carrier}, and to the right ticket"
    return (
        f"{why}: answers are known by their thread only. A mailbox with a shorter name in its domain would carry them"
    )
