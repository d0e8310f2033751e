"""Access to the portal: which requester asks for which request, proven by a mail's link or the session cookie.

Reading changes nothing. What is posted carries a token that is signed for the link or the cookie of its page, so that
no other site can make a browser send it (CSRF).
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from desk.portal import status_links
from desk.signed.reply_address import sign
from desk.web.client_ip import neighbourhood
from desk.web.rate_limit import Pace
from gateway.web.request_context import RequestContext
from storage.db.session import Session
from storage.people import requester_sessions
from storage.people.requester_sessions import LIFETIME
from usecases.tickets import requester_view
from usecases.tickets.requester_view import Requester, TicketView

PATH = "/my"
_KEY = re.compile(r"([0-9a-f]{32})\.([a-z2-7]{26})")


class PortalRefused(Exception):
    """The request is refused; `problem` is the key of the reason among the texts."""

    def __init__(self, status: int, problem: str, wait: float = 0, *, again: bool = False) -> None:
        super().__init__(problem)
        self.status, self.problem, self.wait, self.again = status, problem, wait, again


@dataclass(frozen=True, slots=True)
class RequestAccess:
    """A requester's access to one of their requests: `base` is its path, `secret` known to their browser only."""

    seen: TicketView
    base: str
    secret: str


class Portal:
    """What the pages share, one per process; its limits count for this process."""

    def __init__(self, context: RequestContext) -> None:
        self.context, self.store, self.settings = context, context.store, context.settings
        self.secure = context.settings.public_url.startswith("https://")
        self.cookie = "__Secure-frontdesk-requests" if self.secure else "frontdesk-requests"
        self.answers_by_peer = Pace(60, timedelta(minutes=10))
        self.answers_by_person = Pace(30, timedelta(hours=1))
        self.links_by_peer = Pace(10, timedelta(minutes=10))
        self.links_by_address = Pace(4, timedelta(hours=1))

    def peer(self, request: Request) -> str:
        return neighbourhood(self.context.came_from(request))

    def token(self, secret: str) -> str:
        """For one form of a page that only the owner of that secret sees."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{self._sign(nonce, secret)}"

    def key(self, token: str, secret: str) -> str:
        """The nonce of a genuine token; it makes a double click one answer."""
        match = _KEY.fullmatch(token)
        if match is None or not hmac.compare_digest(match[2], self._sign(match[1], secret)):
            raise PortalRefused(422, "token", again=True)
        return match[1]

    def set_cookie_of_session(self, response: Response, value: str) -> None:
        """The cookie is for these pages only, and for no script."""
        age = int(LIFETIME.total_seconds())
        response.set_cookie(self.cookie, value, age, path=PATH, secure=self.secure, httponly=True, samesite="lax")

    def delete_cookie_of_session(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path=PATH, secure=self.secure, httponly=True, samesite="lax")

    def _sign(self, nonce: str, secret: str) -> str:
        return sign("status-form", f"{nonce}.{secret}", self.store.secret)


def authorize(portal: Portal, session: Session, request: Request) -> RequestAccess:
    """Access to the request that the path names, by the link in it or by the cookie."""
    if "token" in request.path_params:
        return _by_link(portal, session, request.path_params["token"])
    number = int(request.path_params["number"])
    requester = signed_in_requester(portal, session, request)
    if requester is None:
        raise PortalRefused(403, "left")
    seen = requester_view.view_ticket(session, requester, number) if number < 2**63 else None
    if seen is None:
        raise PortalRefused(404, "gone")
    return RequestAccess(seen, f"{PATH}/tickets/{number}", request.cookies.get(portal.cookie, ""))


def signed_in_requester(portal: Portal, session: Session, request: Request) -> Requester | None:
    """The requester to whom the session cookie belongs."""
    value = request.cookies.get(portal.cookie, "")
    person_id = requester_sessions.find_requester(session, value, portal.context.clock()) if value else None
    return requester_view.requester(session, person_id) if person_id else None


def _by_link(portal: Portal, session: Session, token: str) -> RequestAccess:
    link = status_links.read_status_token(token, portal.store.secret, portal.context.clock())
    if link is None:
        raise PortalRefused(404, "wrong")
    person = requester_view.requester(session, link.person_id)
    seen = requester_view.view_ticket(session, person, link.ticket_id) if person else None
    if person is None or seen is None:
        raise PortalRefused(404, "gone")
    if link.expired or link.version != person.link_version:
        raise PortalRefused(410, "expired" if link.expired else "void")
    return RequestAccess(seen, f"/status/{token}", token)
