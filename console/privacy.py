"""The privacy page: who read what in private teams, and an admin's way into a private ticket, of which its team hears.

Admins see all rows, leads those of their own private teams, nobody else any. A ticket that was opened anyway is seen
for an hour; the reason stands in its history.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.accuracy import LEADS
from console.door import Desk, Visit, action, page
from desk.ticket import Change, Event
from desk.visibility import EVERYBODY, LONGEST_REASON
from storage import audit, people, tickets, visible

ADMINS = frozenset({"admin"})
PER_PAGE = 100


def reading(desk: Desk) -> list[BaseRoute]:
    return [Route("/privacy", page(desk, show), methods=["GET"])]


def acting(desk: Desk) -> list[BaseRoute]:
    return [Route("/privacy/open", action(desk, open_anyway, ADMINS), methods=["POST"])]


def show(visit: Visit) -> Response:
    return _page(visit)


def open_anyway(visit: Visit, fields: Mapping[str, str]) -> Response:
    """From now on, for an hour, this admin sees the ticket; its team is told who did so, and why."""
    number, reason = fields.get("ticket", "").strip().removeprefix("#"), " ".join(fields.get("reason", "").split())
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return _page(visit, 422, "that is no ticket number")
    if not reason:
        return _page(visit, 422, "say why: the team reads it")
    if not visible.hidden(visit.session, [int(number)]):
        return RedirectResponse(f"/tickets/{int(number)}", 303)
    _open(visit, int(number), reason[:LONGEST_REASON])
    return RedirectResponse(f"/tickets/{int(number)}", 303)


def _open(visit: Visit, number: int, reason: str) -> None:
    viewer = visit.session.viewer
    with visible.through_eyes_of(visit.session, EVERYBODY):
        ticket = tickets.get(visit.session, number, lock=True)
        if ticket is None:
            raise HTTPException(404, "There is no such ticket.")
        why, team = {"why": reason}, ticket.team_id
        audit.note(visit.session, viewer, visible.OPENED, visit.now, ticket_id=number, team_id=team, data=why)
        event = Event(number, visit.now, visible.OPENED, visit.actor, why=reason)
        tickets.save(visit.session, Change(ticket, (event,)))


def _page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    if visit.agent.role not in LEADS:
        raise HTTPException(403, "Only leads and admins see who read what.")
    viewer, admin = visit.session.viewer, visit.agent.role in ADMINS
    of = None if admin else viewer.audited - viewer.hidden
    rows = audit.entries(visit.session, of, before=visit.before(), most=PER_PAGE + 1)
    return visit.html(
        "privacy.html",
        status,
        rows=rows[:PER_PAGE],
        more=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else 0,
        teams={team.id: team.name for team in people.all_teams(visit.session)},
        private=viewer.audited,
        unseen=visible.hidden(visit.session, [row.ticket_id for row in rows if row.ticket_id]),
        admin=admin,
        problem=problem,
    )
