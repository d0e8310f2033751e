"""The inbox: views, filters, orders and search of tickets, and single rows for a list that is open already."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from console.inbox import views
from console.inbox.views import View
from console.web import sla_badges
from console.web.request_context import Visit
from desk.priority.levels import Priority
from desk.tickets.ticket import MessageKind, Status
from storage.people import holders, people
from storage.routing import unassigned
from storage.tickets import changes, listings, newest_messages, reads, saved_views
from storage.tickets.list_filter import NOBODY, Order, TicketFilter
from storage.tickets.listings import TicketRow
from storage.tickets.newest_messages import NewestMessage

PER_PAGE = 50
LONGEST_SEARCH = 500
MOST_ROWS = 100
"""So many changed rows a list that is open may ask for at once."""
DUE: Mapping[str, str] = {"first": "Soonest first", "soon": "Late or due within an hour", "late": "Late"}
ORDERS: Mapping[Order, str] = {
    Order.ACTIVITY: "Newest activity",
    Order.WAITING: "Longest waiting",
    Order.DUE: "Due first",
    Order.PRIORITY: "Priority",
    Order.NEWEST: "Newest ticket",
}
_NOT_KEPT = ("before", "done", "ids", "counts")


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A line of the inbox: the ticket, its newest message, and whether the agent has seen that."""

    ticket: TicketRow
    newest: NewestMessage | None
    unread: bool

    @property
    def answered(self) -> bool:
        """Whether the newest message is the requester's: the desk's turn."""
        return self.newest is not None and self.newest.inbound and self.newest.kind is MessageKind.REPLY


def show(visit: Visit) -> Response:
    asked = visit.request.query_params
    known = views.views_of(visit)
    shown = _shown(visit, asked, known)
    rows, more = _page(visit, shown)
    kept = _kept(asked)
    saved = saved_views.list_views(visit.session, visit.agent.id)
    current = next((view for view in saved if view.query and dict(QueryParams(view.query)) == kept), None)
    return visit.html(
        "tickets/inbox.html",
        rows=_with_messages(visit, rows),
        more=urlencode(kept | {"before": str(rows[-1].id)}) if more else "",
        paged="before" in asked,
        view=_view_name(asked, known),
        title=current.name if current else _title(asked, known),
        views=known,
        counts=views.counts(visit, known),
        saved_views=saved,
        current=current,
        kept=kept,
        asked=asked,
        order=shown.order,
        orders=ORDERS,
        query=lambda **changed: urlencode({**kept, **changed}),
        teams=people.all_teams(visit.session),
        agents=[agent for agent in people.all_agents(visit.session) if agent.active],
        owners=holders.list_possible(visit.session),
        categories=listings.known_categories(visit.session),
        priorities=list(Priority),
        dues=DUE,
        newest_event=changes.newest_event(visit.session),
        stranded=unassigned.count_flags(visit.session),
    )


def show_rows(visit: Visit) -> Response:
    """Those of the tickets `ids` that the list of this query shows, as rows; the views' counts where asked for."""
    asked = visit.request.query_params
    numbers = [_number(part) for part in asked.get("ids", "").split(",")][:MOST_ROWS]
    known = views.views_of(visit)
    wanted = _shown(visit, asked, known)
    chosen = replace(wanted, ids=tuple(number for number in numbers if number is not None))
    rows = listings.ticket_rows(visit.session, chosen, before=None, most=MOST_ROWS) if chosen.ids else []
    html = visit.html("tickets/inbox_rows.html", rows=_with_messages(visit, rows)).body
    counts = views.counts(visit, known) if "counts" in asked else {}
    return JSONResponse({"rows": bytes(html).decode(), "counts": counts})


def find_tickets(visit: Visit, asked: QueryParams) -> tuple[list[TicketRow], bool]:
    """One page of tickets for the query, and whether there are more; the newest first unless it names an order."""
    shown = _shown(visit, asked, views.views_of(visit))
    if "order" not in asked and shown.order is not Order.DUE:
        shown = replace(shown, order=Order.NEWEST)
    return _page(visit, shown)


def _page(visit: Visit, wanted: TicketFilter) -> tuple[list[TicketRow], bool]:
    if wanted.words:
        _search_limit(visit, wanted.words)
    rows = listings.ticket_rows(visit.session, wanted, before=visit.before(), most=PER_PAGE + 1)
    return rows[:PER_PAGE], len(rows) > PER_PAGE


def _with_messages(visit: Visit, rows: list[TicketRow]) -> list[InboxRow]:
    ids = [row.id for row in rows]
    newest = newest_messages.newest_messages(visit.session, ids)
    seen = reads.read_up_to(visit.session, visit.agent.id, ids)
    return [
        InboxRow(row, message := newest.get(row.id), message is not None and message.id > seen.get(row.id, 0))
        for row in rows
    ]


def _search_limit(visit: Visit, words: str) -> None:
    if len(words) > LONGEST_SEARCH:
        raise HTTPException(400, f"A search has at most {LONGEST_SEARCH} characters.")
    wait = visit.desk.searches.take(str(visit.agent.id), visit.now)
    if wait:
        raise HTTPException(429, "Too many searches in a short time.", {"Retry-After": str(math.ceil(wait))})


def _kept(asked: QueryParams) -> dict[str, str]:
    """The query of this list without what belongs to one page of it."""
    return {key: value for key, value in asked.items() if key not in _NOT_KEPT and value}


def _view_name(asked: QueryParams, known: Mapping[str, View]) -> str:
    """The chosen view; a search without one covers all tickets, and so does a single status."""
    name = asked.get("view", "") or asked.get("status", "")
    if name in known:
        return name
    return "all" if asked.get("q", "").strip() or name in set(Status) else "open"


def _title(asked: QueryParams, known: Mapping[str, View]) -> str:
    return "Search" if asked.get("q", "").strip() else known[_view_name(asked, known)].title


def _shown(visit: Visit, asked: QueryParams, known: Mapping[str, View]) -> TicketFilter:
    """What the query shows: its view, narrowed by the filters, in the order that it names."""
    shown = known[_view_name(asked, known)].shows
    status, owner = asked.get("status", ""), _assignee(asked.get("assignee", ""), visit.agent.id)
    if status in set(Status) and status not in known:
        shown = replace(shown, statuses=(Status(status),))
    team, words = _number(asked.get("team", "")), asked.get("q", "").strip()
    narrowed = replace(
        shown,
        words=words,
        team=team,
        assignee=shown.assignee if owner is None else owner,
        category=asked.get("category", ""),
        priority=asked.get("priority", ""),
    )
    return _ordered(_due(narrowed, asked.get("due", ""), visit.now), asked.get("order", ""))


def _due(shown: TicketFilter, asked: str, now: datetime) -> TicketFilter:
    """The filter of due times as bounds."""
    if asked not in DUE:
        return shown
    bound = {"soon": now + sla_badges.SOON, "late": now}.get(asked)
    return replace(shown, order=Order.DUE, due_before=bound or shown.due_before)


def _ordered(shown: TicketFilter, asked: str) -> TicketFilter:
    return replace(shown, order=Order(asked)) if asked in set(Order) else shown


def _assignee(text: str, me: int) -> int | None:
    return {"me": me, "nobody": NOBODY}.get(text, _number(text))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
