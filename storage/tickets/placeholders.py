"""The values of the placeholders in macros, warnings and signatures: `{requester.first_name}`, `{team}`…

Each value is read only when it is used. `desk/rules/macros.py` substitutes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from desk.tickets.ticket import Actor, Ticket
from storage.db.session import Session
from storage.tickets import ticket_facts

NAMES = (
    "requester.name", "requester.first_name", "requester.address", "ticket.number", "ticket.subject", "ticket.status",
    "ticket.priority", "ticket.category", "organisation", "team", "team.name", "mailbox.address", "agent.name",
    "agent.first_name", "date",
)  # fmt: skip


def placeholder_values(session: Session, ticket: Ticket, agent: Actor, now: datetime) -> Mapping[str, str]:
    """The values of all NAMES on this ticket."""
    facts = ticket_facts.load_facts(session, [ticket], now)[ticket.id]
    requester = str(facts["requester"] or "")
    team = str(facts["team"] or "")
    return {
        "requester.name": requester,
        "requester.first_name": _first(requester),
        "requester.address": str(facts["sender"] or ""),
        "ticket.number": f"#{ticket.id}",
        "ticket.subject": ticket.subject,
        "ticket.status": str(ticket.status),
        "ticket.priority": str(ticket.priority),
        "ticket.category": ticket.category or "",
        "organisation": str(facts["organisation"] or ""),
        "team": team,
        "team.name": team,
        "mailbox.address": str(facts["mailbox"] or ""),
        "agent.name": agent.name,
        "agent.first_name": _first(agent.name),
        "date": f"{now:%Y-%m-%d}",
    }


def _first(name: str) -> str:
    return name.split()[0] if name.split() else ""
