"""The inbox: tabs, filters and search of tickets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.web import sla_badges
from console.web.request_context import Visit
from desk.priority.levels import Priority
from desk.tickets.ticket import Status
from storage.people import holders, people
from storage.routing import unassigned
from storage.tickets import listings
from storage.tickets.listings import NOBODY, TicketFilter, TicketRow

PER_PAGE = 50
LONGEST_SEARCH = 500
TABS: Mapping[str, tuple[Status, ...]] = {
    "open": (Status.NEW, Status.OPEN),
    "waiting": (Status.PENDING, Status.ON_HOLD),
    "snoozed": (Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD),
    "done": (Status.RESOLVED, Status.CLOSED),
    "all": (),
}
_SNOOZED: Mapping[str, bool] = {"open": False, "waiting": False, "snoozed": True}
"""Snoozed tickets have a view of their own."""

DUE: Mapping[str, str] = {"first": "Soonest first", "soon": "Late or due within an hour", "late": "Late"}


def show(visit: Visit) -> Response:
    asked = visit.request.query_params
    rows, more = find_tickets(visit, asked)
    kept = {key: value for key, value in asked.items() if key not in ("before", "done") and value}
    return visit.html(
        "tickets/inbox.html",
        rows=rows,
        more=urlencode(kept | {"before": str(rows[-1].id)}) if more else "",
        paged="before" in asked,
        tab=_tab(asked),
        tabs=_counts(visit),
        kept=kept,
        asked=asked,
        query=lambda **changed: urlencode({**kept, **changed}),
        teams=people.all_teams(visit.session),
        agents=[agent for agent in people.all_agents(visit.session) if agent.active],
        owners=holders.list_possible(visit.session),
        categories=listings.known_categories(visit.session),
        priorities=list(Priority),
        dues=DUE,
        stranded=unassigned.count_flags(visit.session),
    )


def find_tickets(visit: Visit, asked: QueryParams) -> tuple[list[TicketRow], bool]:
    """One page of tickets for the query, and whether there are more."""
    wanted = replace(_wanted(asked, visit.agent.id), **_due(asked.get("due", ""), visit.now))
    if wanted.words:
        _search_limit(visit, wanted.words)
    rows = listings.ticket_rows(visit.session, wanted, before=visit.before(), most=PER_PAGE + 1)
    return rows[:PER_PAGE], len(rows) > PER_PAGE


def _counts(visit: Visit) -> dict[str, int]:
    """The number of tickets of each tab."""
    every, asleep = listings.status_counts(visit.session), listings.snoozed_counts(visit.session)
    awake = {status: count - asleep.get(status, 0) for status, count in every.items()}
    of = {True: asleep, False: awake, None: every}
    return {name: sum(of[_SNOOZED.get(name)].get(s, 0) for s in TABS[name] or tuple(Status)) for name in TABS}


def _search_limit(visit: Visit, words: str) -> None:
    if len(words) > LONGEST_SEARCH:
        raise HTTPException(400, f"A search has at most {LONGEST_SEARCH} characters.")
    wait = visit.desk.searches.take(str(visit.agent.id), visit.now)
    if wait:
        raise HTTPException(429, "Too many searches in a short time.", {"Retry-After": str(math.ceil(wait))})


def _tab(asked: QueryParams) -> str:
    """The chosen tab; a search without one covers all tickets."""
    name = asked.get("status", "")
    if name in TABS or name in set(Status):
        return name
    return "all" if asked.get("q", "").strip() else "open"


def _wanted(asked: QueryParams, me: int) -> TicketFilter:
    tab = _tab(asked)
    statuses = TABS[tab] if tab in TABS else (Status(tab),)
    return TicketFilter(
        statuses=statuses,
        snoozed=_SNOOZED.get(tab),
        words=asked.get("q", "").strip(),
        assignee=_assignee(asked.get("assignee", ""), me),
        team=_number(asked.get("team", "")),
        category=asked.get("category", ""),
        priority=asked.get("priority", ""),
    )


def _due(asked: str, now: datetime) -> dict[str, Any]:
    """The filter of due times as bounds."""
    if asked not in DUE:
        return {}
    return {"by_due": True, "due_before": {"soon": now + sla_badges.SOON, "late": now}.get(asked)}


def _assignee(text: str, me: int) -> int | None:
    return {"me": me, "nobody": NOBODY}.get(text, _number(text))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
