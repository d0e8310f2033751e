"""The pages of incidents: list, detail with tickets and reasons, and bulk actions on all tickets.

A bulk action is stored under the key of its form, so a double click is one action; the first tickets are changed at
once, the rest by a worker.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.web.request_context import Action, Desk, Visit, action
from desk.access.permissions import Verb
from desk.incidents.detector import HISTORY
from desk.priority import assess as priority
from desk.tickets.ticket import NotAllowed
from storage.config import priority_matrix
from storage.incidents import incidents
from storage.incidents.incidents import MEMBER, STATES, SUGGESTED, TAKEN_OUT, Incident
from storage.people import people
from usecases.incidents import bulk_orders
from usecases.incidents import members as incident_members
from usecases.incidents.bulk_orders import ANSWER, DISMISS, RESOLVE, NewOrder

log = structlog.get_logger()

PER_PAGE = 50
MOST_SHOWN = 500
LONGEST_TEXT = 200_000
TABS: Mapping[str, tuple[str, ...]] = {
    "open": ("open",),
    "over": ("quiet", "resolved"),
    "dismissed": ("dismissed",),
    "all": STATES,
}


def show(visit: Visit) -> Response:
    """All incidents, open ones first."""
    counted = incidents.state_counts(visit.session)
    asked = visit.request.query_params.get("state", "")
    tab = asked if asked in TABS else "open" if counted.get("open") else "all"
    page = incidents.page(visit.session, TABS[tab], visit.before(), PER_PAGE + 1)
    rows = page[:PER_PAGE]
    return visit.html(
        "operations/incidents.html",
        rows=rows,
        more=rows[-1].id if len(page) > PER_PAGE else 0,
        tab=tab,
        tabs={name: sum(counted.get(state, 0) for state in states) for name, states in TABS.items()},
        tickets=incidents.ticket_counts(visit.session, [one.id for one in rows]),
        weeks=HISTORY.days // 7,
    )


def detail(visit: Visit) -> Response:
    """One incident with its tickets and the forms of bulk actions."""
    return _page(visit, _found(visit))


def answer(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Sends one text as a public reply on every ticket that is not closed."""
    return _order(visit, fields, ANSWER)


def resolve(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Resolves every ticket, with or without a reply, and ends the incident."""
    return _order(visit, fields, RESOLVE)


def dismiss(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A false alarm: priorities are reset, and the threshold for this category is raised for a while."""
    return _order(visit, fields, DISMISS)


def remove_ticket(visit: Visit, fields: Mapping[str, str]) -> Response:
    incident_members.remove_ticket(visit.session, _found(visit).id, _ticket(fields), visit.actor, visit.now)
    return _back(visit, "taken-out")


def add_ticket(visit: Visit, fields: Mapping[str, str]) -> Response:
    by = priority.matrix(priority_matrix.matrix_rows(visit.session, visit.desk.settings))
    incident_members.include_ticket(visit.session, _found(visit).id, _ticket(fields), visit.actor, by, visit.now)
    return _back(visit, "included")


def on_incident(desk: Desk, act: Action) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An action on an incident; a refused one is explained."""

    def perform(visit: Visit, fields: Mapping[str, str]) -> Response:
        try:
            return act(visit, fields)
        except NotAllowed as error:
            raise HTTPException(409, f"Failed: {error}.") from error

    return action(desk, perform, Verb.INCIDENT)


VERBS: Mapping[str, Action] = {
    "answer": answer,
    "resolve": resolve,
    "dismiss": dismiss,
    "take-out": remove_ticket,
    "include": add_ticket,
}


def _order(visit: Visit, fields: Mapping[str, str], kind: str) -> Response:
    incident = _found(visit)
    text = fields.get("text", "").replace("\r\n", "\n").strip("\n")
    if len(text) > LONGEST_TEXT:
        raise NotAllowed(f"a message has at most {LONGEST_TEXT} characters")
    if kind == ANSWER and not text.strip():
        raise NotAllowed("there is no text to send")
    key = fields.get("key", "")[:64]
    if not key:
        raise NotAllowed("the form came without its key; load the page again")
    order = bulk_orders.place_order(visit.session, NewOrder(incident.id, key, kind, text, visit.actor), visit.now)
    bulk_orders.run_step(visit.session, order.id, visit.now)
    log.info("incident_ordered", incident_id=incident.id, kind=kind, agent_id=visit.agent.id)
    return _back(visit, kind)


def _page(visit: Visit, found: Incident) -> Response:
    rows = incidents.rows(visit.session, found.id, MOST_SHOWN)
    statuses = incidents.open_members(visit.session, found.id)
    ended_by = people.by_ids(visit.session, [found.ended_by]) if found.ended_by else {}
    return visit.html(
        "operations/incident.html",
        incident=found,
        rows={state: [row for row in rows if row["state"] == state] for state in (MEMBER, SUGGESTED, TAKEN_OUT)},
        counts=incidents.ticket_counts(visit.session, [found.id])[found.id],
        reachable=incidents.count_reachable(statuses),
        unresolved=incidents.count_reachable(statuses) - statuses.get("resolved", 0),
        orders=bulk_orders.orders_of_incident(visit.session, found.id),
        ended_by=ended_by.get(found.ended_by or 0),
        key=secrets.token_urlsafe(12),
        most=MOST_SHOWN,
    )


def _found(visit: Visit) -> Incident:
    incident = incidents.get(visit.session, visit.number("incident_id"))
    if incident is None:
        raise HTTPException(404, "There is no such incident.")
    return incident


def _ticket(fields: Mapping[str, str]) -> int:
    text = fields.get("ticket", "").strip().removeprefix("#")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotAllowed("that is no ticket")
    return int(text)


def _back(visit: Visit, done: str) -> Response:
    return RedirectResponse(f"/incidents/{visit.number('incident_id')}?done={done}", 303)
