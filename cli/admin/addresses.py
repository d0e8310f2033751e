"""Addresses on the command line: what is one, and whose it is."""

from __future__ import annotations

from cli.trouble import Trouble
from storage.db.session import Session
from storage.people import people
from storage.people.addresses import canonical
from storage.people.people import Person


def mail_address(text: str) -> str:
    """The canonical form of an address; raises Trouble for what is none."""
    local, at, domain = canonical(text).rpartition("@")
    if not at or not local or not domain or any(c.isspace() or c in '<>,;"' for c in text.strip()):
        raise Trouble(f"{text!r} is not a mail address")
    return f"{local}@{domain}"


def agent_of(session: Session, address: str) -> Person:
    """The agent with that address; raises Trouble where there is none."""
    agent = people.by_address(session, address.strip())
    if agent is None or not agent.role:
        raise Trouble(f"there is no agent {address}")
    return agent
