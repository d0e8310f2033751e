"""Tickets, similar tickets, CSAT and accuracy as JSON, for signed-in agents and tokens with the scope `tickets`."""

from __future__ import annotations

from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.inbox import page as ticket_list
from console.insight import accuracy_figures
from console.insight import csat as csat_page
from console.tickets import similar
from console.tickets.detail import ticket_or_404
from console.web.api_reading import json_response
from console.web.request_context import Visit
from desk.web.clean_input import whole_number
from usecases.tickets.ticket_json import whole_ticket

MESSAGES_A_PAGE, MOST_MESSAGES = 200, 500


def list_tickets(visit: Visit) -> Response:
    """One page of tickets; it takes the query of the inbox. `next` is the query of the next page."""
    rows, more = ticket_list.find_tickets(visit, visit.request.query_params)
    page = [asdict(row) | {"undelivered": row.undelivered_at is not None} for row in rows]
    return json_response({"tickets": page, "next": {"before": rows[-1].id} if more else None})


def show_ticket(visit: Visit) -> Response:
    """One ticket with a page of its messages, which `after` and `most` select."""
    asked = visit.request.query_params
    after = whole_number(asked.get("after", "")) or 0
    most = min(max(whole_number(asked.get("most", "")) or MESSAGES_A_PAGE, 1), MOST_MESSAGES)
    whole = whole_ticket(visit.session, visit.number("ticket_id"), after=after, most=most)
    if whole is None:
        raise HTTPException(404, "There is no such ticket.")
    return json_response(whole)


def similar_tickets(visit: Visit) -> Response:
    """Solved tickets that are similar to this one."""
    ticket = ticket_or_404(visit)
    return json_response(similar.similar_json(ticket, similar.solutions(visit.session, ticket)))


def csat(visit: Visit) -> Response:
    """CSAT figures."""
    return json_response(csat_page.figures(visit.session, visit.now))


def accuracy(visit: Visit) -> Response:
    """All figures of the accuracy page."""
    return json_response(accuracy_figures.accuracy_report(visit.session, visit.now))
