"""The console's door: who is asking, may they, and did they mean it. Behind it there are only signed-in agents.

A page reads; an action writes in one transaction, needs the session's CSRF token and our own origin, and a role that
may do its verb (`desk/access/permissions.py`). Every answer carries the headers that keep a browser from doing what
we did not say.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web import rendering
from console.web.sign_in_limits import SignInLimits
from desk.access import permissions
from desk.access.permissions import Verb
from desk.config.settings import Settings
from desk.signed.reply_address import sign
from desk.tickets.ticket import Actor, ActorKind
from desk.web.clean_input import clean_text, whole_number
from desk.web.client_ip import came_from, neighbourhood
from desk.web.rate_limit import Pace
from storage.access import audit, visibility
from storage.db.session import Session
from storage.open_store import Store
from storage.people import agent_sessions, availability
from storage.people.people import Person

MOST_BODY = 2_000_000
MOST_FIELDS = 400
"""A rule of fifty conditions has a hundred and fifty."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Desk:
    """What every page needs: the record, the clock, the limits of signing in."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store, self.settings, self.clock = store, settings, clock
        self.sign_ins = SignInLimits(store.secret)
        self.password_changes = Pace(10, timedelta(minutes=15))
        self.searches = Pace(120, timedelta(minutes=1))
        self.wrong_tokens = Pace(30, timedelta(minutes=1))
        self.secure = settings.public_url.startswith("https://")
        self.cookie = "__Host-frontdesk" if self.secure else "frontdesk"

    def came_from(self, request: Request) -> str:
        """What limits count by; X-Forwarded-For counts only behind trusted proxies."""
        peer = request.client.host if request.client else ""
        trusted: tuple[str, ...] = getattr(self.settings, "trusted_proxies", ())
        return neighbourhood(came_from(peer, request.headers.getlist("x-forwarded-for"), trusted))

    def csrf(self, secret_of_browser: str) -> str:
        """The token that only pages made for this browser contain."""
        return sign("csrf", secret_of_browser, self.store.secret)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in agent, inside its transaction."""

    desk: Desk
    request: Request
    session: Session
    agent: Person
    cookie: str
    now: datetime

    @property
    def actor(self) -> Actor:
        """In whose name it stands in the history; a token is nobody in particular, and is named."""
        if not self.cookie:
            return Actor(ActorKind.AGENT, None, f"API token {self.agent.name}")
        return Actor(ActorKind.AGENT, self.agent.id, self.agent.name or self.agent.address)

    def may(self, verb: Verb) -> bool:
        """Whether the agent's role allows it. A token has no role: its scope was checked when it came in."""
        return not self.cookie or self.agent.may(verb)

    def require(self, *verbs: Verb) -> None:
        """403 with the reason where the role does not allow one of them."""
        if not all(map(self.may, verbs)):
            raise HTTPException(403, f"Failed: {permissions.refused(self.agent.role, verbs)}.")

    def number(self, name: str) -> int:
        """A number of the path; 404 where no database could have it."""
        found = int(self.request.path_params[name])
        if found >= 2**63:
            raise HTTPException(404)
        return found

    def before(self) -> int | None:
        """Where a list goes on."""
        return whole_number(self.request.query_params.get("before", ""))

    def html(self, template: str, status: int = 200, **values: object) -> Response:
        base = {
            "agent": self.agent,
            "csrf": self.desk.csrf(self.cookie),
            "now": self.now,
            "settings": self.desk.settings,
            "path": self.request.url.path,
            "done": self.request.query_params.get("done", ""),
            "writes": self.may(Verb.CHANGE),
            "can": {str(verb) for verb in Verb if self.may(verb)},
            "absence": availability.absence_of(self.session, self.agent.id, self.now),
        }
        return HTMLResponse(rendering.render(template, base | values), status)


Page = Callable[[Visit], Response]
Action = Callable[[Visit, Mapping[str, str]], Response]


def page(desk: Desk, show: Page) -> Callable[[Request], Response]:
    """An endpoint that reads; whoever is not signed in is sent to sign in, and then back."""

    def endpoint(request: Request) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            response = show(visit) if visit else redirect_to_sign_in(request)
        note_reads(desk, session)
        return response

    return endpoint


def note_reads(desk: Desk, session: Session) -> None:
    """Write down who read a private ticket, before the answer leaves; a transaction only where one was read."""
    if session.reads:
        with desk.store.database.transaction() as writing:
            audit.record_reads(writing, session, desk.clock())


def action(desk: Desk, act: Action, verb: Verb = Verb.CHANGE) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An endpoint that writes, for agents whose role may do `verb`. `act` may raise to roll everything back."""

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        with desk.store.database.transaction() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            check_csrf(desk, request, fields, visit.cookie)
            visit.require(verb)
            response = act(visit, fields)
            audit.record_reads(session, session, visit.now)
            return response

    async def endpoint(request: Request) -> Response:
        fields = await read_fields(request)
        return await anyio.to_thread.run_sync(perform, request, fields)

    return endpoint


def signed_in_visit(desk: Desk, request: Request, session: Session) -> Visit | None:
    cookie = request.cookies.get(desk.cookie, "")
    now = desk.clock()
    agent = agent_sessions.find_agent(session, cookie, now) if cookie else None
    if agent is not None:
        set_viewer(desk, session, agent, now)
    return Visit(desk, request, session, agent, cookie, now) if agent else None


def set_viewer(desk: Desk, session: Session, agent: Person, now: datetime) -> None:
    """From here on the session reads for them: tickets of private teams of others are not there."""
    admins = desk.settings.admins_see_private
    name = agent.name or agent.address
    session.viewer = visibility.viewer_of(session, agent.id, name, agent.role, now, admins_see_private=admins)


def redirect_to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(wanted)}" if request.method == "GET" and wanted not in ("/", "/tickets") else ""
    return RedirectResponse(f"/login{back}", 303)


async def read_fields(request: Request) -> dict[str, str]:
    """A posted form's texts, within limits. A body of another type has no fields, and so no token."""
    declared = request.headers.get("content-length", "")
    if not declared.isascii() or not declared.isdigit() or int(declared[:15]) > MOST_BODY:
        raise HTTPException(413, "This is too long.")
    form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=MOST_BODY)
    return {clean_text(name): clean_text(value) for name, value in form.multi_items() if isinstance(value, str)}


def check_csrf(desk: Desk, request: Request, fields: Mapping[str, str], secret_of_browser: str) -> None:
    """Refuse what another site made the browser send."""
    if not _own_origin(desk, request):
        raise HTTPException(403, "This was sent from another site.")
    given = fields.get("csrf", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, desk.csrf(secret_of_browser).encode()):
        raise HTTPException(403, "This page is from an earlier session. Go back, reload it and try again.")


def _own_origin(desk: Desk, request: Request) -> bool:
    """Our pages say no-referrer, so their Origin may be "null"; then Sec-Fetch-Site and the token decide."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return True
    own = {urlsplit(desk.settings.public_url).netloc, request.headers.get("host", "")}
    return urlsplit(origin).netloc in own - {""}


class SecurityHeaders:
    """Adds what every answer must carry, unless the answer says otherwise itself."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        self.headers = dict(HEADERS)
        if secure:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
