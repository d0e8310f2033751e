"""The ticket page: conversation, properties, category with its reasons, deliveries, and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.tickets import article_hints, composer, html_mail, macros, side_panel, similar, watchers
from console.tickets import properties as record
from console.web import sla_badges
from console.web.request_context import Visit
from desk.mail.inbound_request import AutoKind
from desk.mail.states import OutboundKind, OutboundState
from desk.priority.levels import Priority
from desk.tickets.event_data import Opening
from desk.tickets.events import EventKind
from desk.tickets.ticket import MOVES, Event, Ticket
from desk.web.clean_input import whole_number
from storage.incidents import incidents
from storage.mail import outbound
from storage.people import holders, people
from storage.tickets import changes, listings, tickets

PER_PAGE = 200
MOST_HISTORY = 300
"""So many of the newest events are on the page; a link shows all."""
_TITLES: Mapping[str, str] = {
    AutoKind.REPLY: "Automatic answer",
    AutoKind.BOUNCE: "Delivery report",
    AutoKind.RECEIPT: "Receipt",
    AutoKind.LIST: "Newsletter",
    AutoKind.NOTICE: "Notification",
}
FOLD_ABOVE, OPEN_AT_THE_END = 10, 5
"""In a conversation of more messages, all but the first and the last few are folded to a line."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """Why a message counts as automatic, and the events that it caused."""

    kind: str
    why: str
    opened: bool = False
    events: list[Event] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The kind of automatic mail, as a heading."""
        if self.kind == AutoKind.REPLY and self.why.startswith("out of office"):
            return "Out of office"
        return _TITLES.get(self.kind, "Automatic mail")


def show(visit: Visit) -> Response:
    """The page of one ticket; 404 if there is none."""
    return page(visit, ticket_or_404(visit))


def page(
    visit: Visit,
    ticket: Ticket,
    status: int = 200,
    problem: str = "",
    form: Mapping[str, str] | None = None,
    side_form: Mapping[str, str] | None = None,
) -> Response:
    """The ticket page; after a failed form with the reason and what was typed."""
    conversation, history = _said(visit, ticket), tickets.history(visit.session, ticket.id)
    solutions, hints = similar.solutions(visit.session, ticket), article_hints.for_ticket(visit.session, ticket)
    chosen, answer = similar.suggestion_to_use(visit, solutions, hints)
    macro, sent = macros.selected_macro(visit), outbound.messages_of_ticket(visit.session, ticket.id)
    typed = (form or {}).get("text", "") or answer or macros.filled_text(visit, ticket, macro)
    return visit.html(
        "tickets/ticket.html",
        status,
        ticket=ticket,
        automatic=_automatic(history),
        history=history,
        history_shown=history if "history" in visit.request.query_params else history[-MOST_HISTORY:],
        seen=len(history),
        outbound_messages=sent,
        undelivered=_undelivered(sent),
        prediction=tickets.prediction_of(visit.session, ticket.id),
        links=tickets.links_of(visit.session, ticket.id),
        dues=sla_badges.badges(visit.session, ticket, visit.now),
        problem=problem,
        solutions=solutions,
        hints=hints,
        chosen=chosen,
        **macros.page_values(visit, macro),
        **conversation,
        **page_values(visit, ticket),
        **composer.page_values(visit, ticket, typed, form or {}),
        **watchers.page_values(visit, ticket),
        **side_panel.page_values(visit, ticket, conversation["messages"], sent, side_form),
        **record.page_values(visit, ticket, history),
    )


def _said(visit: Visit, ticket: Ticket) -> dict[str, Any]:
    """One page of the conversation, and whether there are more messages."""
    first = whole_number(visit.request.query_params.get("after", "")) or 0
    messages = tickets.messages_of(visit.session, ticket.id, after=first, most=PER_PAGE + 1)
    shown = messages[:PER_PAGE]
    return {
        "messages": shown,
        "newest_event": changes.newest_event(visit.session),
        "more": shown[-1].id if len(messages) > PER_PAGE else 0,
        "frames": {one.id: html_mail.frame_url(visit.desk, one.id) for one in shown if one.html},
        "folded": _folded([one.id for one in shown]),
    }


def _undelivered(sent: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Address → why the newest reply to it was not delivered."""
    newest = {one["recipient"]: one for one in sent if one["kind"] in (OutboundKind.REPLY, OutboundKind.COPY)}
    states = (OutboundState.UNDELIVERABLE, OutboundState.BOUNCED)
    return {address: one["reason"] for address, one in newest.items() if one["state"] in states}


def _folded(ids: Sequence[int]) -> frozenset[int]:
    return frozenset(ids[1:-OPEN_AT_THE_END]) if len(ids) > FOLD_ABOVE else frozenset()


def _automatic(history: Sequence[Event]) -> dict[int, Automatic]:
    """The kind of an automatic mail, the reason for that, and the events that it caused."""
    by_message: dict[int, Automatic] = {}
    for event in history:
        if event.message_id and event.kind == EventKind.AUTOMATIC_KEPT:
            kind, _, why = event.why.partition(": ")
            by_message[event.message_id] = Automatic(kind, why)
        elif event.message_id and (opening := event.data_as(Opening)).automatic:
            by_message[event.message_id] = Automatic(opening.automatic, opening.reason, opened=True)
        elif event.kind in (EventKind.DELIVERY_FAILED, EventKind.DELIVERY_DELAYED) and event.message_id in by_message:
            by_message[event.message_id].events.append(event)
    return by_message


def page_values(visit: Visit, ticket: Ticket) -> dict[str, Any]:
    """Participants, agents, teams and other choices of the ticket page."""
    persons = people.by_ids(visit.session, [i for i in (ticket.requester_id, ticket.assignee_id) if i])
    others = tickets.participants_of(visit.session, [ticket.id])[ticket.id]
    requester = persons.get(ticket.requester_id)
    return {
        "requester": requester,
        "assignee": persons.get(ticket.assignee_id or 0),
        "others": {address: role for address, role in others.items() if not requester or address != requester.address},
        "agents": holders.list_possible(visit.session, ticket.team_id),
        "teams": people.all_teams(visit.session),
        "statuses": sorted(MOVES[ticket.status] | {ticket.status}, key=list(MOVES).index),
        "priorities": list(Priority),
        "categories": listings.known_categories(visit.session),
        "incidents": incidents.incidents_of_ticket(visit.session, ticket.id),
    }


def ticket_or_404(visit: Visit) -> Ticket:
    ticket = tickets.get(visit.session, visit.number("ticket_id"))
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    return ticket
