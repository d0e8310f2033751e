"""The first start of a desk: its tables, its key, a team, a mailbox and an agent, made where there are none.

In: settings. Out: what was made, with a new agent's one-time password. Doing it twice is doing it once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click
import sqlalchemy as sa
import structlog

from cli.command import Call, DeskCommand
from cli.data_folder import ensure_folder
from cli.open_desk import first_line
from cli.trouble import Trouble
from console.access import passwords
from desk.access.permissions import Role
from desk.config.settings import Settings
from storage.db import schema
from storage.db.session import Database, Session, is_unavailable
from storage.open_store import Store, database_url, open_store
from storage.people import people
from storage.people.addresses import canonical
from storage.people.people import NewAgent
from storage.runtime import secret_key

FIRST_TEAM = "Support"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Begun:
    """The desk as it is now. `password` is empty unless the agent was made just now."""

    version: str
    mailboxes: tuple[str, ...]
    agent: str
    password: str


@click.command(cls=DeskCommand)
@click.option("--agent", metavar="ADDRESS", help="The first agent's address.")
@click.option("--wait", type=float, default=60.0, metavar="SECONDS", help="How long to wait for the database.")
@click.option("--accept-key", is_flag=True, help="Go on with the signing key that is there, or with a new one.")
def init(call: Call, agent: str | None, wait: float, accept_key: bool) -> None:
    """Make or migrate the desk's tables, with a first team, mailbox and agent."""
    settings = call.settings
    ensure_folder(settings)
    if accept_key:
        accept_signing_key(settings)
    begun = begin(settings, call.now, patience=wait, agent=agent)
    text = f"the desk in {settings.data.absolute()} is at version {begun.version}, with {', '.join(begun.mailboxes)}"
    if begun.password:
        text += f"\nagent {begun.agent}, password: {begun.password}\nIt is shown only now."
    call.answer(begun, text)


def begin(settings: Settings, now: datetime, *, patience: float, agent: str | None = None) -> Begun:
    """Migrate, and make what a desk cannot be without. Waits up to `patience` seconds for the database."""
    store = open_migrated(settings, patience, time.sleep)
    try:
        with store.database.transaction() as session:
            return _furnish(session, settings, now, agent)
    finally:
        store.close()


def accept_signing_key(settings: Settings) -> None:
    """The desk forgets which key it signed with."""
    database = Database(database_url(settings))
    try:
        schema.migrate(database)
        secret_key.accept(settings, database)
    finally:
        database.close()


def open_migrated(settings: Settings, patience: float, sleep: Callable[[float], None]) -> Store:
    """The record with its tables up to date; a database that is still starting is waited for, a second at a time."""
    until = time.monotonic() + patience
    while True:
        try:
            return open_store(settings, migrate=True, pool_size=2)
        except schema.NewerSchema as error:
            raise Trouble(str(error)) from error
        except sa.exc.DBAPIError as error:
            if not is_unavailable(error) or time.monotonic() >= until:
                raise Trouble(f"the database cannot be reached: {first_line(error)}", 69) from error
            log.warning("database_awaited", error=first_line(error))
        sleep(1.0)


def new_password() -> str:
    """Four groups of four letters and digits without look-alikes: 80 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _furnish(session: Session, settings: Settings, now: datetime, agent: str | None) -> Begun:
    domain = settings.mail_domain or "localhost"
    teams = people.all_teams(session) or [people.add_team(session, FIRST_TEAM)]
    if not people.all_mailboxes(session):
        people.add_mailbox(session, f"support@{domain}", settings.desk_name, teams[0].id)
    boxes = tuple(box.address for box in people.all_mailboxes(session))
    known = people.all_agents(session)
    if known:
        return Begun(schema.NEWEST, boxes, known[0].address, "")
    password = new_password()
    address = agent or f"admin@{domain}"
    hashed = passwords.hash_password(password)
    people.add_agent(session, NewAgent(address, "Admin", Role.ADMIN, hashed, [teams[0].id]), now)
    return Begun(schema.NEWEST, boxes, canonical(address), password)
