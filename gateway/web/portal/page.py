"""The page of one request: its status, its assignee, its public messages and files; also as JSON.

Nothing here writes, so that following links changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from desk.knowledge import csat_texts
from desk.knowledge.csat import SCORES, may_vote
from desk.portal import status_links
from desk.portal import texts as portal_texts
from desk.tickets.ticket import DONE
from desk.web import download
from gateway.web import article_hints
from gateway.web.portal import view
from gateway.web.portal.access import PATH, Portal, PortalRefused, RequestAccess, authorize
from gateway.web.portal.endpoints import sizes
from gateway.web.request_context import Unavailable
from storage.db.session import Session
from storage.knowledge import csat
from storage.mail import inbound
from storage.tickets import lifecycle, tickets
from usecases.tickets import requester_view
from usecases.tickets.requester_view import PER_PAGE, PublicMessage


def show(portal: Portal, session: Session, request: Request) -> Response:
    """The page."""
    access = authorize(portal, session, request)
    seen, ticket = access.seen, access.seen.ticket
    spoken = view.language(request, csat.language_of(session, ticket.id))
    messages, older = _conversation(session, access, request)
    agent, team = requester_view.agent_and_team(session, ticket)
    done = ticket.status in DONE
    return view.html(
        portal.settings,
        spoken,
        "status.html",
        ticket=ticket,
        seen=seen,
        base=access.base,
        mine=PATH,
        messages=messages,
        older=older,
        agent=agent,
        team=team,
        facts=requester_view.visible_fields(session, seen),
        done=done,
        late=_is_late(session, ticket.closed_at, portal.context.clock()),
        note=_note(portal, session, request, access),
        token=portal.token(access.secret),
        sizes=sizes(portal),
        articles=[] if done else _articles(session, access, messages),
        **_rating(portal, session, access, spoken),
    )


def file(portal: Portal, session: Session, request: Request) -> Response:
    """One file of a message that they see, to be saved."""
    access = authorize(portal, session, request)
    message_id, place = int(request.path_params["message"]), int(request.path_params["place"])
    found = requester_view.file(session, access.seen, message_id, place) if max(message_id, place) < 2**63 else None
    content = portal.store.blobs.get(session, found["sha256"]) if found else None
    if found is None or content is None:
        raise PortalRefused(404, "gone")
    headers = {**view.HEADERS, **download.headers(found.get("name") or "file")}
    return Response(content, 200, headers, download.MEDIA_TYPE)


def as_json(portal: Portal) -> Any:
    """The page as JSON."""

    def endpoint(request: Request) -> Response:
        try:
            with portal.context.reachable(), portal.store.database.reading() as session:
                access = authorize(portal, session, request)
                data = _as_json(session, access, request)
        except PortalRefused as error:
            why = portal_texts.words("en")[f"wrong.{error.problem}"]
            return JSONResponse({"error": {"code": error.problem, "message": why}}, error.status, dict(view.HEADERS))
        except Unavailable:
            why = portal_texts.words("en")["wrong.down"]
            return JSONResponse({"error": {"code": "down", "message": why}}, 503, dict(view.HEADERS))
        return JSONResponse(data, 200, dict(view.HEADERS))

    return endpoint


def receipt(portal: Portal, session: Session, request: Request) -> Response:
    """The state of a request sent by the form: number and status, no text, because the address is not proven."""
    number = status_links.read_receipt_token(
        request.path_params["receipt"], portal.store.secret, portal.context.clock()
    )
    row = inbound.get(session, number) if number else None
    if row is None:
        raise PortalRefused(404, "wrong")
    ticket = tickets.merge_target(session, row["ticket_id"]) if row["ticket_id"] else None
    gone = ticket is not None and requester_view.requester(session, ticket.requester_id) is None
    return view.html(portal.settings, view.language(request), "status_receipt.html", ticket=None if gone else ticket)


def _conversation(session: Session, access: RequestAccess, request: Request) -> tuple[list[PublicMessage], int]:
    """The messages of the page, and the id before which older ones are (0: there are none)."""
    before = request.query_params.get("before", "")
    known = before.isascii() and before.isdigit() and len(before) < 19
    found = requester_view.conversation(session, access.seen, before=int(before) if known else None)
    return (found[1:], found[1].id) if len(found) > PER_PAGE else (found, 0)


def _is_late(session: Session, closed_at: datetime | None, now: datetime) -> bool:
    """Whether an answer would become a request of its own."""
    return closed_at is not None and now - closed_at > lifecycle.rules(session).reopen_window


def _note(portal: Portal, session: Session, request: Request, access: RequestAccess) -> dict[str, Any]:
    """The result of the reply that was just sent."""
    sent, ticket = request.query_params.get("sent", ""), access.seen.ticket
    if "solved" in request.query_params and ticket.status in DONE:
        return {"kind": "solved"}
    row = inbound.get(session, int(sent)) if sent.isascii() and sent.isdigit() and len(sent) < 19 else None
    if row is None or row["source"] != "portal" or not row["external_id"].startswith(f"{access.seen.person.id}."):
        return {}
    if row["settled_at"] is None:
        return {"kind": "arriving", "again": f"{access.base}?sent={row['id']}"}
    if row["ticket_id"] is None:
        return {"kind": "aside"}
    if row["ticket_id"] == ticket.id:
        return {}
    return {"kind": "landed", "number": row["ticket_id"], "link": _other(portal, access, row["ticket_id"])}


def _other(portal: Portal, access: RequestAccess, number: int) -> str:
    """The path of another ticket of the requester."""
    if access.base.startswith(PATH):
        return f"{PATH}/tickets/{number}"
    days, person = timedelta(days=portal.settings.status_link_days), access.seen.person
    secret, now = portal.store.secret, portal.context.clock()
    return f"/status/{status_links.status_token(number, person.id, person.link_version, days, secret, now)}"


def _articles(session: Session, access: RequestAccess, messages: Sequence[PublicMessage]) -> list[Any]:
    """Public articles similar to the requester's message; that they are shown is not counted."""
    first = next((one.text for one in messages if one.who == "you"), "")
    return article_hints.similar_articles(session, access.seen.subject, first) if access.seen.owns and first else []


def _rating(portal: Portal, session: Session, access: RequestAccess, spoken: str) -> dict[str, Any]:
    """How it went: the question of the solved ticket, whose link votes only when it is posted."""
    ticket = access.seen.ticket
    found = csat.of_ticket(session, ticket.id) if access.seen.owns and ticket.status in DONE else None
    if found is None:
        return {"rating": None}
    return {
        "rating": found,
        "rating_open": may_vote(found.asked_at, found.rated_at, portal.context.clock()),
        "rating_token": csat.make_token(found.id, portal.store.secret),
        "rating_said": csat_texts.words(spoken),
        "scores": SCORES,
    }


def _as_json(session: Session, access: RequestAccess, request: Request) -> dict[str, Any]:
    seen, ticket = access.seen, access.seen.ticket
    messages, older = _conversation(session, access, request)
    agent, team = requester_view.agent_and_team(session, ticket)
    words = portal_texts.words("en")
    return {
        "number": ticket.id,
        "asked": seen.asked,
        "subject": seen.subject,
        "status": str(ticket.status),
        "says": words[f"says.{ticket.status}"],
        "agent": agent,
        "team": team,
        "fields": dict(requester_view.visible_fields(session, seen)),
        "opened_at": ticket.created_at.isoformat(),
        "resolved_at": ticket.resolved_at.isoformat() if ticket.resolved_at else None,
        "may_answer": seen.answers,
        "may_solve": seen.owns and ticket.status not in DONE,
        "older": f"{request.url.path}?before={older}" if older else None,
        "messages": [_message(access, one) for one in messages],
    }


def _message(access: RequestAccess, one: PublicMessage) -> dict[str, Any]:
    files = [{**file, "url": f"{access.base}/files/{one.id}/{place}"} for place, file in enumerate(one.files)]
    return {
        "id": one.id, "at": one.at.isoformat(), "from": one.who, "name": one.name, "text": one.text, "files": files
    }  # fmt: skip
