"""The views of the inbox: the standard ones, and those that agents have saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web import sla_badges
from console.web.request_context import Desk, Visit, action
from desk.access.permissions import Verb
from desk.tickets.ticket import Status
from storage.people import people
from storage.tickets import listings, saved_views
from storage.tickets.list_filter import NOBODY, Order, TicketFilter
from storage.tickets.saved_views import SavedView

ACTIVE = (Status.NEW, Status.OPEN)
HELD = (Status.PENDING, Status.ON_HOLD)
MOST_COUNTED = 1000
"""A view counts no further: more is more than anybody works through."""


@dataclass(frozen=True, slots=True)
class View:
    """A standard view: its name in the address, its title, and what it shows."""

    name: str
    title: str
    shows: TicketFilter


def standard_views(agent_id: int, team_ids: Sequence[int], now: datetime) -> list[View]:
    """The views that every agent has, in the order of the sidebar."""
    by_activity = TicketFilter(statuses=ACTIVE, snoozed=False, order=Order.ACTIVITY)
    soon = now + sla_badges.SOON
    return [
        View("open", "Waiting on us", by_activity),
        View("mine", "Mine", TicketFilter(ACTIVE, assignee=agent_id, snoozed=False, order=Order.ACTIVITY)),
        View("unassigned", "Unassigned", TicketFilter(ACTIVE, assignee=NOBODY, snoozed=False, order=Order.ACTIVITY)),
        View("teams", "My teams", TicketFilter(ACTIVE, teams=tuple(team_ids), snoozed=False, order=Order.ACTIVITY)),
        View("breaching", "Breaching soon", TicketFilter((*ACTIVE, *HELD), due_before=soon, order=Order.DUE)),
        View("watching", "Watching", TicketFilter((*ACTIVE, *HELD), watched_by=agent_id, order=Order.ACTIVITY)),
        View("drafts", "Drafts", TicketFilter(drafted_by=agent_id, order=Order.ACTIVITY)),
        View("waiting", "Pending", TicketFilter(HELD, snoozed=False, order=Order.ACTIVITY)),
        View("snoozed", "Snoozed", TicketFilter((*ACTIVE, *HELD), snoozed=True, order=Order.ACTIVITY)),
        View("done", "Solved", TicketFilter((Status.RESOLVED, Status.CLOSED))),
        View("all", "All", TicketFilter()),
    ]


def views_of(visit: Visit) -> dict[str, View]:
    """The standard views of the agent, by name."""
    team_ids = people.team_ids_of(visit.session, visit.agent.id)
    return {view.name: view for view in standard_views(visit.agent.id, team_ids, visit.now)}


def counts(visit: Visit, views: Mapping[str, View]) -> dict[str, int]:
    """View → how many tickets it shows, up to MOST_COUNTED. "All" and "Solved" only grow, so they have none."""
    counted = (view for view in views.values() if view.name not in ("all", "done"))
    return {view.name: listings.count_tickets(visit.session, view.shows, MOST_COUNTED) for view in counted}


def save(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves what the inbox shows as a view with a name."""
    name = " ".join(fields.get("name", "").split())[: saved_views.LONGEST_NAME]
    if not name:
        raise HTTPException(400, "Give the view a name.")
    if saved_views.count_views(visit.session, visit.agent.id) >= saved_views.MOST_VIEWS:
        raise HTTPException(400, f"You have {saved_views.MOST_VIEWS} views already. Delete one first.")
    query = urlencode([pair for pair in parse_qsl(fields.get("query", ""))[:20] if pair[0] not in ("before", "done")])
    view = SavedView(0, name, query[:1000], visit.agent.id, fields.get("shared") == "yes")
    saved_views.save_view(visit.session, view, visit.now)
    return RedirectResponse(f"/tickets?{query}", 303)


def delete(visit: Visit, _fields: Mapping[str, str]) -> Response:
    """Deletes one's own view; a lead may delete what others share."""
    view = saved_views.get_view(visit.session, visit.number("view_id"))
    if view is None or not (view.owner_id == visit.agent.id or (view.shared and visit.may(Verb.MANAGE))):
        raise HTTPException(404, "There is no such view of yours.")
    saved_views.delete_view(visit.session, view.id)
    return RedirectResponse("/tickets", 303)


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/views", action(desk, save, Verb.ACCOUNT), methods=["POST"]),
        Route("/views/{view_id:int}/delete", action(desk, delete, Verb.ACCOUNT), methods=["POST"]),
    ]
