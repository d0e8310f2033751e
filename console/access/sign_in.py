"""Sign-in, sign-out, and change of the own password.

An unknown address, a wrong password and an inactive agent get the same response after the same time. Rate limits count
by address and by account.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.access import aliases, passwords, slack_account
from console.admin import signatures
from console.web import rendering
from console.web.local_path import LONGEST_PATH, local_path
from console.web.request_context import Desk, Visit, check_csrf, read_fields, redirect_to_sign_in, signed_in_visit
from console.web.sign_in_limits import COOKIE, COOKIE_SECONDS
from storage.people import agent_sessions, people
from storage.people.addresses import canonical
from storage.people.people import Person

log = structlog.get_logger()

_BEFORE = "frontdesk_before"
"""The cookie that ties a sign-in form to its browser, against sign-ins that another site makes."""
WRONG = "Address or password is not right."
OFTEN = "Too many attempts. Try again in {minutes} min."
BUSY = "Many people are signing in right now. Try again in a moment."


def sign_in_page(desk: Desk) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        return _page(desk, request, request.query_params.get("next", ""))

    return endpoint


def sign_in(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        before = request.cookies.get(_BEFORE, "")
        check_csrf(desk, request, fields, f"before:{before}")
        address, wanted = canonical(fields.get("address", "")[:320]), fields.get("next", "")
        place, browser_cookie, now = desk.came_from(request), request.cookies.get(COOKIE, ""), desk.clock()
        wait = desk.sign_ins.wait(address, place, browser_cookie, now)
        if wait:
            return _page(
                desk, request, wanted, address, _Problem(OFTEN.format(minutes=math.ceil(wait / 60)), 429, wait)
            )
        try:
            agent = _agent(desk, address, fields.get("password", ""))
        except passwords.Busy:
            return _page(desk, request, wanted, address, _Problem(BUSY, 503, 5))
        if agent is None:
            desk.sign_ins.count_failure(address, place, browser_cookie, now)
            return _page(desk, request, wanted, address, _Problem(WRONG, 403))
        return _signed_in(desk, request, agent, local_path(wanted))

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def sign_out(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Ends the session on the server and deletes its cookie."""
    agent_sessions.end(visit.session, visit.cookie, visit.agent)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(visit.desk.cookie, secure=visit.desk.secure, httponly=True, samesite="lax")
    return response


def account(visit: Visit, status: int = 200, problem: str = "") -> Response:
    about = signatures.account_values(visit) | slack_account.account_values(visit) | aliases.account_values(visit)
    return visit.html("access/account.html", status, problem=problem, shortest=passwords.SHORTEST, **about)


def change_password(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """A new password ends all sessions of the agent and begins a new one here. No transaction is open while it is
    hashed."""

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
        check_csrf(desk, request, fields, visit.cookie)
        try:
            problem = _password_problem(visit, fields)
            stored = "" if problem else passwords.hash_password(fields["new"])
        except passwords.Busy:
            problem = BUSY
        if problem:
            return _account_with(desk, request, problem)
        return _with_new_password(desk, visit.agent.id, stored)

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def _account_with(desk: Desk, request: Request, problem: str) -> Response:
    """The account page with an error message."""
    with desk.store.database.reading() as session:
        visit = signed_in_visit(desk, request, session)
        if visit is None:
            return redirect_to_sign_in(request)
        return account(visit, 422, problem)


def _password_problem(visit: Visit, fields: Mapping[str, str]) -> str:
    new, limit = fields.get("new", ""), visit.desk.password_changes
    if not passwords.SHORTEST <= len(new) <= passwords.LONGEST:
        return f"The new password needs at least {passwords.SHORTEST} characters."
    if new != fields.get("again", ""):
        return "The two new passwords differ."
    if limit.wait(visit.agent.address, visit.now):
        return "Too many attempts. Try again later."
    if not passwords.verify_password(fields.get("current", ""), visit.agent.password_hash):
        limit.count(visit.agent.address, visit.now)
        return "The current password is not right."
    return ""


def _with_new_password(desk: Desk, agent_id: int, stored: str) -> Response:
    with desk.store.database.transaction() as session:
        agent_sessions.set_password(session, agent_id, stored)
        cookie = agent_sessions.begin(session, people.by_ids(session, [agent_id])[agent_id], desk.clock())
    log.info("password_changed", agent_id=agent_id)
    response = RedirectResponse("/account?done=password", 303)
    _give_cookie(desk, response, cookie)
    return response


def _agent(desk: Desk, address: str, password: str) -> Person | None:
    with desk.store.database.reading() as session:
        person = people.by_address(session, address)
    agent = person if person and person.is_agent else None
    return agent if passwords.verify_password(password, agent.password_hash if agent else "") else None


def _signed_in(desk: Desk, request: Request, agent: Person, path: str) -> Response:
    """Begins a session with a new token and ends the one that the browser had before."""
    now, old = desk.clock(), request.cookies.get(desk.cookie, "")
    with desk.store.database.transaction() as session:
        earlier = agent_sessions.find_agent(session, old, now) if old else None
        if earlier:
            agent_sessions.end(session, old, earlier)
        cookie = agent_sessions.begin(session, agent, now)
    log.info("agent_signed_in", agent_id=agent.id)
    response = RedirectResponse(path, 303)
    _give_cookie(desk, response, cookie)
    response.delete_cookie(_BEFORE, secure=desk.secure, httponly=True, samesite="lax")
    browser_cookie = desk.sign_ins.known_browser(agent.address)
    response.set_cookie(
        COOKIE, browser_cookie, COOKIE_SECONDS, path="/login", secure=desk.secure, httponly=True, samesite="lax"
    )
    return response


def _give_cookie(desk: Desk, response: Response, value: str) -> None:
    age = int(agent_sessions.LIFETIME.total_seconds())
    response.set_cookie(desk.cookie, value, max_age=age, secure=desk.secure, httponly=True, samesite="lax")


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why nobody was signed in, and how many seconds to wait before the next try."""

    text: str = ""
    status: int = 200
    wait: float = 0


_NO_PROBLEM = _Problem()


def _page(desk: Desk, request: Request, wanted: str, address: str = "", problem: _Problem = _NO_PROBLEM) -> Response:
    before = request.cookies.get(_BEFORE, "") or secrets.token_urlsafe(24)
    with desk.store.database.reading() as session:
        first_run = not people.all_agents(session)
    values = {"settings": desk.settings, "csrf": desk.csrf(f"before:{before}"), "next": wanted[:LONGEST_PATH]}
    values |= {"address": address, "problem": problem.text, "first_run": first_run}
    response = HTMLResponse(rendering.render("access/sign_in.html", values), problem.status)
    response.set_cookie(_BEFORE, before, max_age=3600, secure=desk.secure, httponly=True, samesite="lax")
    if problem.wait:
        response.headers["Retry-After"] = str(math.ceil(problem.wait))
    return response
