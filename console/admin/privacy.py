"""The privacy page: the audit log of private teams, emergency access to a private ticket, and erasure of a person.

Admins see all entries, leads those of their own private teams, others none. Emergency access lasts an hour; its reason
is in the ticket's history and its team is notified.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import (
    Desk,
    Visit,
    action,
    check_csrf,
    page,
    read_fields,
    redirect_to_sign_in,
    signed_in_visit,
)
from desk.access.permissions import Verb
from desk.access.visibility import EVERYBODY, LONGEST_REASON
from desk.tickets.ticket import Change, Event
from storage.access import audit, visibility
from storage.access.audit import Action
from storage.people import people
from storage.tickets import tickets
from usecases.privacy import erasure
from usecases.privacy.erasure import Receipt

log = structlog.get_logger()

PER_PAGE = 100


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/privacy", page(desk, show), methods=["GET"])]


def action_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/privacy/open", action(desk, open_anyway, Verb.OPEN_PRIVATE), methods=["POST"]),
        Route("/privacy/erase", erasing(desk), methods=["POST"]),
    ]


def show(visit: Visit) -> Response:
    return _page(visit)


def open_anyway(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Gives this admin access to the ticket for an hour and notifies its team."""
    number, reason = fields.get("ticket", "").strip().removeprefix("#"), " ".join(fields.get("reason", "").split())
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return _page(visit, 422, "that is no ticket number")
    if not reason:
        return _page(visit, 422, "say why: the team reads it")
    if not visibility.hidden_tickets(visit.session, [int(number)]):
        return RedirectResponse(f"/tickets/{int(number)}", 303)
    _open(visit, int(number), reason[:LONGEST_REASON])
    return RedirectResponse(f"/tickets/{int(number)}", 303)


def erasing(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """First a preview; then, from the page that shows it, the erasure in transactions of its own."""

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            check_csrf(desk, request, fields, visit.cookie)
            visit.require(Verb.ERASE)
        address, why = fields.get("address", "").strip(), fields.get("why", "").strip()[:LONGEST_REASON]
        dry_run = fields.get("sure") != address
        try:
            receipt = erasure.erase(desk.store, address, visit.actor, visit.now, why=why, dry_run=dry_run)
        except erasure.Refused as error:
            receipt, problem = None, str(error)
        else:
            problem = ""
        if receipt and not dry_run:
            log.info("person_erased", agent_id=visit.agent.id, receipt=receipt.id)
        with desk.store.database.reading() as session:
            again = signed_in_visit(desk, request, session)
            wish = {"address": address, "why": why, "done": not dry_run}
            return (
                _page(again, 422 if problem else 200, problem, receipt, wish) if again else redirect_to_sign_in(request)
            )

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def _open(visit: Visit, number: int, reason: str) -> None:
    viewer = visit.session.viewer
    with visibility.reading_as(visit.session, EVERYBODY):
        ticket = tickets.get(visit.session, number, lock=True)
        if ticket is None:
            raise HTTPException(404, "There is no such ticket.")
        why, team = {"why": reason}, ticket.team_id
        audit.record(
            visit.session, viewer, Action(visibility.OPENED_ANYWAY, visit.now, ticket_id=number, team_id=team, data=why)
        )
        event = Event(number, visit.now, visibility.OPENED_ANYWAY, visit.actor, why=reason)
        tickets.save(visit.session, Change(ticket, (event,)))


def _page(
    visit: Visit,
    status: int = 200,
    problem: str = "",
    receipt: Receipt | None = None,
    wish: Mapping[str, Any] | None = None,
) -> Response:
    visit.require(Verb.AUDIT)
    viewer, admin = visit.session.viewer, visit.may(Verb.ERASE)
    of = None if admin else viewer.audited - viewer.hidden
    rows = audit.entries(visit.session, of, before=visit.before(), most=PER_PAGE + 1)
    return visit.html(
        "admin/privacy.html",
        status,
        rows=rows[:PER_PAGE],
        more=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else 0,
        teams={team.id: team.name for team in people.all_teams(visit.session)},
        private=viewer.audited,
        unseen=visibility.hidden_tickets(visit.session, [row.ticket_id for row in rows if row.ticket_id]),
        admin=admin,
        problem=problem,
        receipt=receipt,
        wish=wish or {},
        receipts=erasure.receipts(visit.session, 20) if admin else [],
    )
