"""Answers to an agent in Slack that change nothing: help, the agent's own tickets, one ticket, the content of a modal.

An agent sees what they may see, and the reading of a private ticket is audited as in the console.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from desk.access import permissions
from desk.access.permissions import Verb
from desk.priority.levels import Priority
from desk.slack.markup import escaped, one_line
from desk.slack.orders import Order
from desk.tickets import fields
from desk.tickets.commands import SLACK, help_for, parse
from desk.tickets.ticket import DONE, MOVES, Status, Ticket
from gateway.slack.modals import ModalTicket
from storage.access import audit, visibility
from storage.db.session import Session
from storage.open_store import Store
from storage.people import holders, people
from storage.people.people import Person
from storage.slack import threads as slack_threads
from storage.tickets import listings, tickets
from storage.tickets.list_filter import TicketFilter
from usecases.rules import macros
from usecases.tickets import custom_fields, resolution

NO_AGENT = (
    "This is for the agents of the desk, and your account in Slack belongs to none of them. If you are one, link it "
    "with the code from your account's page in the console, or ask an admin: "
    "`frontdesk agent add YOU@EXAMPLE.COM --slack-user {account}`. To ask for help, write to the bot in a direct "
    "message."
)
WHO = "Slack did not say in time who you are. Try again in a moment."
NO_TICKET = "There is no ticket #{number} that you may see."
_OPEN = tuple(status for status in Status if status not in DONE)
_MOST = 20


class Answers:
    """Reads tickets for agents in Slack."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer_command(self, order: Order, now: datetime) -> str | Order:
        """The answer to a typed command; or the order, if it must be executed."""
        if not order.ticket_id and order.text.split()[:1] == ["link"]:
            return order
        if order.unknown:
            return WHO
        with self._as_agent(order, now) as (session, agent):
            if agent is None:
                return NO_AGENT.format(account=order.account)
            words = order.text.strip()
            if not order.ticket_id:
                return _mine(session, agent) if words.lower() == "mine" else _help(words)
            ticket = tickets.merge_target(session, order.ticket_id)
            if ticket is None:
                return NO_TICKET.format(number=order.ticket_id)
            if not words:
                return _about(session, ticket)
        commanded = words if words[0] in "!#/" else f"!{words}"
        errors = [escaped(error) for error in parse(commanded, SLACK).errors]
        return "\n".join([*errors, "", _help("")]) if errors else replace(order, text=commanded)

    def modal_content(self, order: Order, needs: Verb, now: datetime) -> ModalTicket | str:
        """The content of a modal, if the agent may do what it is for; or why there is none."""
        if order.unknown:
            return WHO
        with self._as_agent(order, now) as (session, agent):
            if agent is None:
                return NO_AGENT.format(account=order.account)
            why = permissions.refused(agent.role, [needs])
            if why:
                return f"Nothing was done: {why}."
            ticket = tickets.merge_target(session, order.ticket_id)
            return _shown(session, ticket, agent) if ticket else NO_TICKET.format(number=order.ticket_id)

    @contextmanager
    def _as_agent(self, order: Order, now: datetime) -> Iterator[tuple[Session, Person | None]]:
        settings = self._store.settings
        with self._store.database.reading() as session:
            agent = slack_threads.agent_of(session, order, by_email=settings.slack_match_email)
            if agent is not None:
                name = agent.name or agent.address
                private = settings.admins_see_private
                session.viewer = visibility.viewer_of(
                    session, agent.id, name, agent.role, now, admins_see_private=private
                )
            yield session, agent
        if session.reads:
            with self._store.database.transaction() as writing:
                audit.record_reads(writing, session, now)


def _help(words: str) -> str:
    wrong = [] if words.lower() in ("", "help") else [f"I do not know {one_line(words)}.", ""]
    known = "\n".join(
        [
            "/frontdesk mine             your open tickets",
            "/frontdesk #12              one ticket",
            "/frontdesk #12 COMMAND      what to do with it, without the exclamation mark",
            "/frontdesk link CODE        links your account, by the code from your account's page in the console",
            "",
            "In a ticket's thread a message is an internal note, unless it begins with a command:",
            help_for(SLACK),
        ]
    )
    return "\n".join([*wrong, f"```{known}```"])


def _mine(session: Session, agent: Person) -> str:
    rows = listings.ticket_rows(session, TicketFilter(_OPEN, assignee=agent.id), before=None, most=_MOST + 1)
    if not rows:
        return "Nothing waits for you."
    lines = [
        f"#{row.id} {row.status.replace('_', ' ')}, {row.priority}: {one_line(row.subject)}" for row in rows[:_MOST]
    ]
    return "\n".join([*lines, *(["… and more, in the console."] if len(rows) > _MOST else [])])


def _about(session: Session, ticket: Ticket) -> str:
    tickets.messages_of(session, ticket.id, most=1)
    known = people.by_ids(session, [i for i in (ticket.requester_id, ticket.assignee_id) if i])
    owner, requester = known.get(ticket.assignee_id or 0), known[ticket.requester_id]
    last = tickets.last_requester_message(session, ticket.id, 2**62)
    lines = [
        f"#{ticket.id} {one_line(ticket.subject)}",
        f"{ticket.status.replace('_', ' ')}, {ticket.priority}, {one_line(ticket.category or 'no category')}",
        f"Requester: {_name(requester)}; owner: {_name(owner) if owner else 'nobody'}",
        *([f"Last words: {escaped(last.reply[:500])}"] if last else []),
    ]
    return "\n".join(lines)


def _name(person: Person) -> str:
    return one_line(person.name or person.address)


def _shown(session: Session, ticket: Ticket, agent: Person) -> ModalTicket:
    agents = holders.list_possible(session, ticket.team_id)
    teams = people.all_teams(session)
    owner = next((one.address for one in agents if one.id == ticket.assignee_id), "")
    was = {
        "assign": owner,
        "team": next((team.name for team in teams if team.id == ticket.team_id), ""),
        "category": ticket.category or "",
        "priority": str(ticket.priority),
        "status": str(ticket.status),
    }
    statuses = [one for one in Status if one in MOVES[ticket.status] | {ticket.status}]
    choices: dict[str, Any] = {
        "assign": [(one.name or one.address, one.address) for one in agents],
        "team": [(team.name, team.name) for team in teams],
        "category": [(name, name) for name in listings.known_categories(session)],
        "priority": [(str(one).capitalize(), str(one)) for one in Priority],
        "status": [(str(one).replace("_", " ").capitalize(), str(one)) for one in statuses],
        "macro": [(one.name, one.name) for one in macros.macros_of_agent(session, agent.id)],
    }
    known = custom_fields.list_all(session)
    empty = [(one.name, one.title) for one in known if fields.missing([one], ticket)]
    words = resolution.resolution_from_replies(session, ticket)
    return ModalTicket(ticket.id, ticket.subject, ticket.channel, words, was, choices, empty)
