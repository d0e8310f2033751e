"""The ticket page: the conversation, why each message is here, what was guessed and why, what left, what happened."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.door import Visit
from desk.ticket import MOVES, Message, Priority, Ticket
from storage import outbound, pages, people, tickets

PER_PAGE = 200
_SHOWN_INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_MOST_INLINE = 1_000_000
_FRAME = (
    '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<base target="_blank"><link rel="stylesheet" href="/static/mail.css"><body>'
)


def show(visit: Visit) -> Response:
    """The page of one ticket; 404 for everything that is none."""
    return page(visit, ticket_or_404(visit))


def page(visit: Visit, ticket: Ticket, status: int = 200, problem: str = "", typed: str = "") -> Response:
    """The page, if need be with the reason why something was not done and the text that was typed."""
    after = visit.request.query_params.get("after", "")
    first = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    messages = tickets.messages_of(visit.session, ticket.id, after=first, most=PER_PAGE + 1)
    history = tickets.history(visit.session, ticket.id)
    return visit.html(
        "ticket.html",
        status,
        ticket=ticket,
        messages=messages[:PER_PAGE],
        more=messages[PER_PAGE - 1].id if len(messages) > PER_PAGE else 0,
        frames={one.id: _frame(visit, one) for one in messages[:PER_PAGE] if one.html},
        history=history,
        seen=len(history),
        letters=outbound.of_ticket(visit.session, ticket.id),
        prediction=tickets.prediction_of(visit.session, ticket.id),
        links=tickets.links_of(visit.session, ticket.id),
        problem=problem,
        typed=typed,
        **around(visit, ticket),
    )


def around(visit: Visit, ticket: Ticket) -> dict[str, Any]:
    """The people and the choices around a ticket."""
    known = people.by_ids(visit.session, [i for i in (ticket.requester_id, ticket.assignee_id) if i])
    others = tickets.participants_of(visit.session, [ticket.id])[ticket.id]
    requester = known.get(ticket.requester_id)
    return {
        "requester": requester,
        "assignee": known.get(ticket.assignee_id or 0),
        "others": {address: role for address, role in others.items() if not requester or address != requester.address},
        "agents": [agent for agent in people.all_agents(visit.session) if agent.active],
        "teams": people.all_teams(visit.session),
        "statuses": sorted(MOVES[ticket.status] | {ticket.status}, key=list(MOVES).index),
        "priorities": list(Priority),
        "categories": pages.known_categories(visit.session),
    }


def ticket_or_404(visit: Visit) -> Ticket:
    ticket = tickets.get(visit.session, visit.number("ticket_id"))
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    return ticket


def _frame(visit: Visit, message: Message) -> str:
    """The sanitised HTML for a sandboxed frame. Its own pictures come along; nothing is loaded from elsewhere."""
    html = message.html
    room = _MOST_INLINE
    for attachment in message.attachments:
        name = f"cid:{attachment.get('content_id', '')}"
        if name != "cid:" and name in html and _is_picture(attachment) and attachment["size"] <= room:
            room -= attachment["size"]
            html = html.replace(f'"{name}"', f'"{_data_url(visit, attachment)}"')
    return Markup(_FRAME) + Markup(html)


def _is_picture(attachment: Mapping[str, Any]) -> bool:
    return attachment.get("media_type") in _SHOWN_INLINE


def _data_url(visit: Visit, attachment: Mapping[str, Any]) -> str:
    content = visit.desk.store.blobs.get(visit.session, attachment["sha256"]) or b""
    return f"data:{attachment['media_type']};base64,{base64.b64encode(content).decode()}"
