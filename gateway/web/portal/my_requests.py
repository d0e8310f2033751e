"""All requests of somebody: the list, the way in by a link of a mail, the way out.

Whoever asks for a link hears the same whether the address is known or not, and as fast: what is mailed is mailed after
the answer. The link only shows a button; pressing it opens a session for some hours, for these pages alone.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import structlog
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk.portal import status_links
from desk.portal import texts as portal_texts
from desk.portal.status_links import ENTRY_FOR
from gateway.web.body import Posted
from gateway.web.portal import link_mail, view
from gateway.web.portal.access import PATH, Portal, Turned, owner
from gateway.web.request_context import Unavailable
from gateway.web.submission import is_address
from storage.db.session import Session
from storage.people import requester_sessions
from storage.people.addresses import canonical
from storage.people.requester_sessions import LIFETIME
from usecases.tickets import requester_view
from usecases.tickets.requester_view import PER_LIST, Requester

log = structlog.get_logger()

_NOTES = ("left", "voided")
_NUMBER = re.compile(r"[0-9]{1,18}")


def show(portal: Portal, session: Session, request: Request) -> Response:
    """The list; who is not let in is asked for an address."""
    person = owner(portal, session, request)
    note = next((one for one in _NOTES if one in request.query_params), "")
    if person is None:
        return _page(portal, request, "status_ask.html", token=portal.token(""), note=note)
    theirs = request.query_params.get("whose") != "organisation" or not person.shares
    before = request.query_params.get("before", "")
    number = int(before) if _NUMBER.fullmatch(before) else None
    rows = requester_view.list_requests(session, person, organisation=not theirs, before=number)
    return _page(
        portal,
        request,
        "status_mine.html",
        person=person,
        rows=rows[:PER_LIST],
        older=rows[PER_LIST - 1].id if len(rows) > PER_LIST else 0,
        theirs=theirs,
        token=portal.token(request.cookies.get(portal.cookie, "")),
        mine=PATH,
    )


def ask(portal: Portal, request: Request, posted: Posted) -> Response:
    """Somebody wants the link; one mail leaves, if there is anything to see."""
    portal.key(posted.texts.get("token", ""), "")
    address = canonical(posted.texts.get("email", "")[:254])
    if not is_address(address):
        raise Turned(422, "address", again=True)
    now = portal.door.clock()
    wait = portal.links_by_peer.take(portal.peer(request), now) or portal.links_by_address.take(address, now)
    if wait:
        raise Turned(429, "often", wait, again=True)
    with portal.door.reachable(), portal.store.database.reading() as session:
        link_mail.is_known(session, address)
    send = BackgroundTask(_send, portal, address, view.language(request))
    return RedirectResponse(f"{PATH}/asked", 303, headers=dict(view.HEADERS), background=send)


def asked(portal: Portal, session: Session, request: Request) -> Response:
    return _page(portal, request, "status_asked.html", minutes=_minutes(ENTRY_FOR))


def knock(portal: Portal, session: Session, request: Request) -> Response:
    """What the link of the mail shows: a button, because programs that scan mail follow links."""
    _let(portal, session, request)
    hours = _minutes(LIFETIME) // 60
    secret = request.path_params["entry"]
    return _page(portal, request, "status_open.html", token=portal.token(secret), hours=hours, path=request.url.path)


def open_up(portal: Portal, request: Request, posted: Posted) -> Response:
    """The button: a session begins."""
    portal.key(posted.texts.get("token", ""), request.path_params["entry"])
    with portal.door.reachable(), portal.store.database.transaction() as session:
        person = _let(portal, session, request)
        value = requester_sessions.begin(session, person.id, portal.door.clock())
    log.info("requester_let_in", person_id=person.id)
    response = _away()
    portal.let_in(response, value)
    return response


def leave(portal: Portal, request: Request, posted: Posted) -> Response:
    """Log out: the session is over, wherever its cookie may be."""
    value = request.cookies.get(portal.cookie, "")
    portal.key(posted.texts.get("token", ""), value)
    with portal.door.reachable(), portal.store.database.transaction() as session:
        requester_sessions.end(session, value)
    response = _away("?left=1")
    portal.let_out(response)
    return response


def void(portal: Portal, request: Request, posted: Posted) -> Response:
    """All links and sessions of this person are over."""
    portal.key(posted.texts.get("token", ""), request.cookies.get(portal.cookie, ""))
    with portal.door.reachable(), portal.store.database.transaction() as session:
        person = owner(portal, session, request)
        if person is None:
            raise Turned(403, "left")
        requester_sessions.revoke_links(session, person.id)
    log.info("requester_links_made_void", person_id=person.id)
    response = _away("?voided=1")
    portal.let_out(response)
    return response


def _let(portal: Portal, session: Session, request: Request) -> Requester:
    """Whom the link of the path lets in."""
    link = status_links.read_entry_token(request.path_params["entry"], portal.store.secret, portal.door.clock())
    if link is None:
        raise Turned(404, "wrong")
    person = requester_view.requester(session, link.person_id)
    if person is None:
        raise Turned(404, "gone")
    if link.expired or link.version != person.link_version:
        raise Turned(410, "expired" if link.expired else "void")
    return person


def _send(portal: Portal, address: str, spoken: str) -> None:
    try:
        with portal.door.reachable():
            link_mail.send_link(portal.store, address, portal_texts.words(spoken), portal.door.clock())
    except Unavailable:
        log.warning("requests_link_not_sent")


def _away(query: str = "") -> Response:
    return RedirectResponse(f"{PATH}{query}", 303, headers=dict(view.HEADERS))


def _page(portal: Portal, request: Request, template: str, **values: Any) -> Response:
    return view.html(portal.settings, view.language(request), template, **values)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
