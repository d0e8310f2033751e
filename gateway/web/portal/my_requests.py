"""All requests of a requester: the list, the sign-in by a mailed link, the sign-out.

Whoever asks for a link gets the same page whether the address is known or not, and as fast: the mail is sent after the
answer. The link only shows a button; pressing it starts a session of some hours for these pages alone.
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
from gateway.web.portal.access import PATH, Portal, PortalRefused, signed_in_requester
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
    """The list; a visitor who is not signed in is asked for an address."""
    person = signed_in_requester(portal, session, request)
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


def request_link(portal: Portal, request: Request, posted: Posted) -> Response:
    """Sends the sign-in link, if the address has any request."""
    portal.key(posted.texts.get("token", ""), "")
    address = canonical(posted.texts.get("email", "")[:254])
    if not is_address(address):
        raise PortalRefused(422, "address", again=True)
    now = portal.context.clock()
    wait = portal.links_by_peer.take(portal.peer(request), now) or portal.links_by_address.take(address, now)
    if wait:
        raise PortalRefused(429, "often", wait, again=True)
    with portal.context.reachable(), portal.store.database.reading() as session:
        link_mail.is_known(session, address)
    send = BackgroundTask(_send, portal, address, view.language(request))
    return RedirectResponse(f"{PATH}/asked", 303, headers=dict(view.HEADERS), background=send)


def link_requested(portal: Portal, session: Session, request: Request) -> Response:
    return _page(portal, request, "status_asked.html", minutes=_minutes(ENTRY_FOR))


def confirm_entry(portal: Portal, session: Session, request: Request) -> Response:
    """The page of the mailed link: a button, because programs that scan mail follow links."""
    _requester_of_link(portal, session, request)
    hours = _minutes(LIFETIME) // 60
    secret = request.path_params["entry"]
    return _page(portal, request, "status_open.html", token=portal.token(secret), hours=hours, path=request.url.path)


def begin_session(portal: Portal, request: Request, posted: Posted) -> Response:
    """Starts the session when the button is pressed."""
    portal.key(posted.texts.get("token", ""), request.path_params["entry"])
    with portal.context.reachable(), portal.store.database.transaction() as session:
        person = _requester_of_link(portal, session, request)
        value = requester_sessions.begin(session, person.id, portal.context.clock())
    log.info("requester_let_in", person_id=person.id)
    response = _redirect()
    portal.set_cookie_of_session(response, value)
    return response


def sign_out(portal: Portal, request: Request, posted: Posted) -> Response:
    """Ends the session, wherever its cookie may be."""
    value = request.cookies.get(portal.cookie, "")
    portal.key(posted.texts.get("token", ""), value)
    with portal.context.reachable(), portal.store.database.transaction() as session:
        requester_sessions.end(session, value)
    response = _redirect("?left=1")
    portal.delete_cookie_of_session(response)
    return response


def revoke_links(portal: Portal, request: Request, posted: Posted) -> Response:
    """Revokes all links and sessions of this person."""
    portal.key(posted.texts.get("token", ""), request.cookies.get(portal.cookie, ""))
    with portal.context.reachable(), portal.store.database.transaction() as session:
        person = signed_in_requester(portal, session, request)
        if person is None:
            raise PortalRefused(403, "left")
        requester_sessions.revoke_links(session, person.id)
    log.info("requester_links_made_void", person_id=person.id)
    response = _redirect("?voided=1")
    portal.delete_cookie_of_session(response)
    return response


def _requester_of_link(portal: Portal, session: Session, request: Request) -> Requester:
    """The requester whom the link of the path signs in."""
    link = status_links.read_entry_token(request.path_params["entry"], portal.store.secret, portal.context.clock())
    if link is None:
        raise PortalRefused(404, "wrong")
    person = requester_view.requester(session, link.person_id)
    if person is None:
        raise PortalRefused(404, "gone")
    if link.expired or link.version != person.link_version:
        raise PortalRefused(410, "expired" if link.expired else "void")
    return person


def _send(portal: Portal, address: str, spoken: str) -> None:
    try:
        with portal.context.reachable():
            link_mail.send_link(portal.store, address, portal_texts.words(spoken), portal.context.clock())
    except Unavailable:
        log.warning("requests_link_not_sent")


def _redirect(query: str = "") -> Response:
    return RedirectResponse(f"{PATH}{query}", 303, headers=dict(view.HEADERS))


def _page(portal: Portal, request: Request, template: str, **values: Any) -> Response:
    return view.html(portal.settings, view.language(request), template, **values)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
