"""Authentication, permission and CSRF check of every page of the console.

A page reads. An action writes in one transaction; it needs the session's CSRF token, our own origin, and a role with
its permission (`desk/access/permissions.py`). Every response carries security headers.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import anyio.to_thread
from starlette.datastructures import MutableHeaders, UploadFile
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
    """What every request needs: store, settings, clock, and the rate limits."""

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store, self.settings, self.clock = store, settings, clock
        self.sign_ins = SignInLimits(store.secret)
        self.password_changes = Pace(10, timedelta(minutes=15))
        self.searches = Pace(120, timedelta(minutes=1))
        self.wrong_tokens = Pace(30, timedelta(minutes=1))
        self.secure = settings.public_url.startswith("https://")
        self.cookie = "__Host-frontdesk" if self.secure else "frontdesk"

    def came_from(self, request: Request) -> str:
        """The client address that rate limits count; X-Forwarded-For counts only behind trusted proxies."""
        peer = request.client.host if request.client else ""
        trusted: tuple[str, ...] = getattr(self.settings, "trusted_proxies", ())
        return neighbourhood(came_from(peer, request.headers.getlist("x-forwarded-for"), trusted))

    def csrf(self, secret_of_browser: str) -> str:
        """The CSRF token, bound to the secret of this browser."""
        return sign("csrf", secret_of_browser, self.store.secret)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in agent, with its database session."""

    desk: Desk
    request: Request
    session: Session
    agent: Person
    cookie: str
    now: datetime
    uploads: tuple[UploadFile, ...] = ()
    """Files that came with the form."""

    @property
    def actor(self) -> Actor:
        """The actor of events; a token is no agent, and is named."""
        if not self.cookie:
            return Actor(ActorKind.AGENT, None, f"API token {self.agent.name}")
        return Actor(ActorKind.AGENT, self.agent.id, self.agent.name or self.agent.address)

    def may(self, verb: Verb) -> bool:
        """Whether the agent's role allows it. A token has no role: its scope was checked before."""
        return not self.cookie or self.agent.may(verb)

    def require(self, *verbs: Verb) -> None:
        """403 with the reason where the role lacks one of these permissions."""
        if not all(map(self.may, verbs)):
            raise HTTPException(403, f"Failed: {permissions.refused(self.agent.role, verbs)}.")

    def number(self, name: str) -> int:
        """An id of the path; 404 where it exceeds the range of the database."""
        value = int(self.request.path_params[name])
        if value >= 2**63:
            raise HTTPException(404)
        return value

    def before(self) -> int | None:
        """The cursor of a list: its next page begins before this id."""
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
    """An endpoint that reads; who is not signed in is redirected to the sign-in page, and back afterwards."""

    def endpoint(request: Request) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            response = show(visit) if visit else redirect_to_sign_in(request)
        note_reads(desk, session)
        return response

    return endpoint


def note_reads(desk: Desk, session: Session) -> None:
    """Records reads of private tickets in the audit log, before the response is sent."""
    if session.reads:
        with desk.store.database.transaction() as writing:
            audit.record_reads(writing, session, desk.clock())


def action(desk: Desk, act: Action, verb: Verb = Verb.CHANGE) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An endpoint that writes, for agents whose role has the permission `verb`. An exception rolls everything back."""

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
    """Limits what the session returns to what this agent may see: no tickets of other private teams."""
    admins = desk.settings.admins_see_private
    name = agent.name or agent.address
    session.viewer = visibility.viewer_of(session, agent.id, name, agent.role, now, admins_see_private=admins)


def redirect_to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(wanted)}" if request.method == "GET" and wanted not in ("/", "/tickets") else ""
    return RedirectResponse(f"/login{back}", 303)


async def read_fields(request: Request) -> dict[str, str]:
    """The text fields of a posted form, within limits. A body of another type has no fields, and so no CSRF token."""
    declared = request.headers.get("content-length", "")
    if not declared.isascii() or not declared.isdigit() or int(declared[:15]) > MOST_BODY:
        raise HTTPException(413, "This is too long.")
    form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=MOST_BODY)
    return {clean_text(name): clean_text(value) for name, value in form.multi_items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class PostedForm:
    """A form with files: its text fields, and the files where they lie until they are read."""

    fields: Mapping[str, str]
    files: tuple[UploadFile, ...] = ()


async def read_form(request: Request, most_bytes: int, most_files: int) -> PostedForm:
    """A posted form with its files, within limits; a body of another type has neither."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return PostedForm(await read_fields(request))
    declared = request.headers.get("content-length", "")
    if not declared.isascii() or not declared.isdigit() or int(declared[:15]) > most_bytes + MOST_BODY:
        raise HTTPException(413, f"This is too long: files have at most {most_bytes // 1_000_000} MB together.")
    form = await request.form(max_files=most_files, max_fields=MOST_FIELDS, max_part_size=MOST_BODY)
    texts = {clean_text(name): clean_text(value) for name, value in form.multi_items() if isinstance(value, str)}
    return PostedForm(texts, tuple(value for _, value in form.multi_items() if isinstance(value, UploadFile)))


def check_csrf(desk: Desk, request: Request, fields: Mapping[str, str], secret_of_browser: str) -> None:
    """403 for requests that another site made the browser send."""
    if not _own_origin(desk, request):
        raise HTTPException(403, "This was sent from another site.")
    given = fields.get("csrf", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, desk.csrf(secret_of_browser).encode()):
        raise HTTPException(403, "This page is from an earlier session. Go back, reload it and try again.")


def _own_origin(desk: Desk, request: Request) -> bool:
    """Our pages send no referrer, so their Origin may be "null"; then Sec-Fetch-Site and the token decide."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return True
    own = {urlsplit(desk.settings.public_url).netloc, request.headers.get("host", "")}
    return urlsplit(origin).netloc in own - {""}


class SecurityHeaders:
    """Middleware that adds the security headers, unless the response sets them itself."""

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
