"""Incidents as JSON: list, detail, bulk orders for all tickets, adding and removing a ticket.

It needs an agent's session or a token with the scope `tickets` (to write: `tickets:write`). The first tickets of an
order are changed at once, the rest by a worker. The same order within a minute is the same order; with a `key` of the
caller it is the same for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.web.api_reading import json_response, read_endpoint
from console.web.api_writing import Write, write_endpoint
from console.web.request_context import Desk, Visit
from desk.access.permissions import Verb
from desk.priority import assess as priority
from desk.tickets.ticket import Actor, ActorKind, NotAllowed
from storage.config import priority_matrix
from storage.incidents import incidents
from storage.incidents.incidents import STATES, Incident
from usecases.incidents import bulk_orders
from usecases.incidents import members as incident_members
from usecases.incidents.bulk_orders import ANSWER, DISMISS, RESOLVE, NewOrder

PER_PAGE = 50
LONGEST_TEXT = 60_000
_MOST = 10_000


def routes(desk: Desk) -> list[BaseRoute]:
    path = "/api/v1/incidents/{incident_id:int}"
    verbs: dict[str, Write] = {kind: _order(kind) for kind in (ANSWER, RESOLVE, DISMISS)}
    verbs |= {"add": add_ticket, "remove": remove_ticket}
    return [
        Route("/api/v1/incidents", read_endpoint(desk, list_incidents)),
        Route(path, read_endpoint(desk, show_incident)),
        *(
            Route(f"{path}/{name}", write_endpoint(desk, act, verb=Verb.INCIDENT), methods=["POST"])
            for name, act in verbs.items()
        ),
    ]


def list_incidents(visit: Visit) -> Response:
    """Newest first; `state` may be given several times. `next` is the query of the next page."""
    states = visit.request.query_params.getlist("state")
    if not set(states) <= set(STATES):
        raise HTTPException(422, f"A state is one of {', '.join(STATES)}.")
    page = incidents.page(visit.session, states, visit.before(), PER_PAGE + 1)
    rows = page[:PER_PAGE]
    counted = incidents.ticket_counts(visit.session, [one.id for one in rows])
    more = {"before": rows[-1].id} if len(page) > PER_PAGE else None
    return json_response({"incidents": [asdict(one) | {"tickets": counted[one.id]} for one in rows], "next": more})


def show_incident(visit: Visit) -> Response:
    """One incident with its tickets and orders."""
    incident = _incident(visit)
    orders = [_order_json(one) for one in bulk_orders.orders_of_incident(visit.session, incident.id)]
    return json_response(
        asdict(incident) | {"tickets": incidents.rows(visit.session, incident.id, _MOST), "orders": orders}
    )


def add_ticket(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Adds a ticket to the incident, whether it was suggested or not."""
    incident, ticket = _incident(visit), _ticket(body)
    by = priority.matrix(priority_matrix.matrix_rows(visit.session, visit.desk.settings))
    incident_members.include_ticket(visit.session, incident.id, ticket, _actor(visit), by, visit.now)
    return {"incident": incident.id, "ticket": ticket, "done": "add"}


def remove_ticket(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Removes a ticket from the incident; its priority is reset unless somebody changed it since."""
    incident, ticket = _incident(visit), _ticket(body)
    incident_members.remove_ticket(visit.session, incident.id, ticket, _actor(visit), visit.now)
    return {"incident": incident.id, "ticket": ticket, "done": "remove"}


def _order(kind: str) -> Write:
    def write(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
        incident, text = _incident(visit), _text(body)
        if kind == ANSWER and not text.strip():
            raise NotAllowed("there is no text to send")
        if body.get("dry_run") is True:
            rows = bulk_orders.preview_order(visit.session, incident.id, kind)
            return {"incident": incident.id, "kind": kind, "dry_run": True, "tickets": [row["id"] for row in rows]}
        key = _key(visit, body, text)
        order = bulk_orders.place_order(visit.session, NewOrder(incident.id, key, kind, text, _actor(visit)), visit.now)
        bulk_orders.run_step(visit.session, order.id, visit.now)
        return _order_json(bulk_orders.get(visit.session, order.id))

    return write


def _order_json(order: bulk_orders.Order) -> dict[str, Any]:
    values = asdict(order)
    values.pop("key")
    return values | {name: values[name].isoformat() if values[name] else None for name in ("at", "done_at")}


def _incident(visit: Visit) -> Incident:
    incident = incidents.get(visit.session, visit.number("incident_id"))
    if incident is None:
        raise HTTPException(404, "There is no such incident.")
    return incident


def _actor(visit: Visit) -> Actor:
    """A token acts under its name; nothing can be assigned to it."""
    return visit.actor if visit.cookie else Actor(ActorKind.AGENT, None, f"API token {visit.agent.name}")


def _ticket(body: Mapping[str, Any]) -> int:
    number = body.get("ticket")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**63:
        raise HTTPException(422, 'Say which ticket: {"ticket": 12}.')
    return number


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text", "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise HTTPException(422, f"`text` is at most {LONGEST_TEXT} characters.")
    return text.replace("\r\n", "\n").strip("\n")


def _key(visit: Visit, body: Mapping[str, Any], text: str) -> str:
    """The idempotency key: the caller's own, or one made of the minute, the caller and the text."""
    given = body.get("key")
    if given is not None and not (isinstance(given, str) and 0 < len(given) <= 64):
        raise HTTPException(422, "`key` has 1 to 64 characters.")
    content = f"{visit.now:%Y-%m-%dT%H:%M}\n{visit.agent.id}\n{visit.agent.name}\n{text}"
    return f"api:{given}" if given else hashlib.sha256(content.encode()).hexdigest()[:24]
