"""A ticket as JSON, for the API and `frontdesk ticket show --json`: messages, events, deliveries, links, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from desk.mail.states import OutboundKind
from desk.tickets.ticket import Event, Message, Ticket
from storage.db.session import Session
from storage.mail import outbound
from storage.people import organisations, people
from storage.people.people import Person
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.tickets import links as ticket_links
from usecases.tickets import side_conversations, undo

ALL_MESSAGES = 100_000
"""The command line shows a ticket whole; programs read it page by page."""
_ROLES = {OutboundKind.REPLY: "to", OutboundKind.SIDE: "to", OutboundKind.COPY: "cc"}
_OUTBOUND = (
    "id",
    "kind",
    "transport",
    "recipient",
    "state",
    "reason",
    "attempts",
    "external_id",
    "created_at",
    "sent_at",
)


def whole_ticket(session: Session, ticket_id: int, *, after: int = 0, most: int | None = None) -> dict[str, Any] | None:
    """One ticket with its messages, events, deliveries, links, and why it has its category.

    Of many messages a page: at most `most`, behind the one numbered `after`; `next_messages` is where it goes on.
    None where there is no such ticket.
    """
    ticket = tickets.get(session, ticket_id)
    if ticket is None:
        return None
    (row,), sent = ticket_rows(session, [ticket]), outbound.messages_of_ticket(session, ticket_id)
    messages = tickets.messages_of(session, ticket_id, after=after, most=most + 1 if most else ALL_MESSAGES)
    shown = messages[:most]
    return row | {
        **_history_and_links(session, ticket),
        "through": _through(messages),
        "messages": [_message(message) for message in shown],
        "next_messages": shown[-1].id if len(messages) > len(shown) else None,
        "side_conversations": side_conversations.all_as_json(session, ticket_id),
        "outbound": [{name: delivery[name] for name in _OUTBOUND} for delivery in sent],
        "deliveries": [_delivery(delivery) for delivery in sent if delivery["kind"] in _ROLES],
        "participants": tickets.participants_of(session, [ticket_id])[ticket_id],
        "prediction": tickets.prediction_of(session, ticket_id),
        "clocks": [asdict(clock) for clock in sla_timers.clocks_of_tickets(session, [ticket_id])[ticket_id].values()],
    }


def _through(messages: Sequence[Message]) -> str:
    """What the requester's first message came through: a form or a mailing list; empty if it came directly."""
    first = next((message for message in messages if message.inbound), None)
    return first.trust.through if first else ""


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    """The delivery state of one message to one recipient."""
    role, names = _ROLES[row["kind"]], ("message_id", "state", "reason", "attempts", "sent_at")
    return {"address": row["recipient"], "role": role} | {name: row[name] for name in names}


def _history_and_links(session: Session, ticket: Ticket) -> dict[str, Any]:
    """Its events with the numbers that `ticket undo` takes, and the tickets that it is linked to."""
    history, possible = tickets.history(session, ticket.id), undo.undoable_numbers(session, ticket)
    numbers = undo.shown_numbers(session, ticket.id, history)
    links, organisation = ticket_links.links_of(session, ticket.id), ticket.organisation_id or 0
    events = [{"id": n, **_event(event), "undoable": n in possible} for n, event in zip(numbers, history, strict=True)]
    return {
        "events": events,
        "links": [{"ticket": event.other.id, "kind": event.kind, "words": event.words} for event in links],
        "children": [child.id for child in ticket_links.children(session, ticket.id)],
        "organisation": organisations.names(session, [organisation]).get(organisation),
    }


def ticket_rows(session: Session, rows: Sequence[Ticket]) -> list[dict[str, Any]]:
    """Tickets with the addresses of requester and assignee and the name of the team in place of their numbers."""
    ids = [i for ticket in rows for i in (ticket.requester_id, ticket.assignee_id) if i is not None]
    persons, teams = people.by_ids(session, ids), {team.id: team.name for team in people.all_teams(session)}
    return [_row(ticket, persons, teams) for ticket in rows]


def _row(ticket: Ticket, persons: dict[int, Person], teams: dict[int, str]) -> dict[str, Any]:
    requester, assignee = persons.get(ticket.requester_id), persons.get(ticket.assignee_id or 0)
    return asdict(ticket) | {
        "priority_why": ticket.priority_why.to_json(),
        "requester": requester.address if requester else "",
        "assignee": assignee.address if assignee else None,
        "team": teams.get(ticket.team_id or 0),
        "undelivered": ticket.undelivered_at is not None,
    }


def _message(message: Message) -> dict[str, Any]:
    author = message.author
    files = [file.to_json() for file in message.attachments]
    row = asdict(message) | {"trust": message.trust.to_json(), "attachments": files}
    return row | {"author": {"kind": str(author.kind), "id": author.id, "name": author.name}}


def _event(event: Event) -> dict[str, Any]:
    actor = event.actor
    row = {"at": event.at, "kind": event.kind, "actor": {"kind": str(actor.kind), "id": actor.id, "name": actor.name}}
    rest = {"before": event.before, "after": event.after, "why": event.why, "message_id": event.message_id}
    return row | rest | {"data": event.data.to_json()}
