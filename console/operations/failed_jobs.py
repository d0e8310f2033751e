"""The page of failed jobs: name, time, error; leads retry or discard them.

The queue is asked between two transactions, never inside of one.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, action, redirect_to_sign_in, signed_in_visit
from desk.access.permissions import Verb
from storage.runtime import dead_letters, failures
from storage.runtime.dead_letters import DeadJob, QueueUnavailable


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/ledger/jobs", show(desk), methods=["GET"]),
        Route("/ledger/jobs/retry", change(desk, dead_letters.retry), methods=["POST"]),
        Route("/ledger/jobs/drop", change(desk, dead_letters.drop), methods=["POST"]),
    ]


def show(desk: Desk) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        with desk.store.database.reading() as session:
            if signed_in_visit(desk, request, session) is None:
                return redirect_to_sign_in(request)
        jobs, problem = _jobs(desk)
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            failed, leads = failures.list_failures(session), visit.may(Verb.MANAGE)
            return visit.html("operations/failed_jobs.html", jobs=jobs, problem=problem, failed=failed, leads=leads)

    return endpoint


def change(desk: Desk, act: Callable[[str, list[str]], int]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """A transaction checks permission and CSRF token; the queue is changed after it."""
    checked = action(desk, _permitted, Verb.MANAGE)

    async def endpoint(request: Request) -> Response:
        response = await checked(request)
        wanted = getattr(request.state, "job", None)
        if wanted is not None:
            done = await anyio.to_thread.run_sync(_do, desk, act, wanted)
            return RedirectResponse(f"/ledger/jobs?done={done}", 303)
        return response

    return endpoint


def _permitted(visit: Visit, fields: Mapping[str, str]) -> Response:
    visit.request.state.job = fields.get("id", "")
    return RedirectResponse("/ledger/jobs", 303)


def _do(desk: Desk, act: Callable[[str, list[str]], int], wanted: str) -> str:
    """One job, or all of them."""
    url = desk.store.settings.redis_url
    try:
        ids = [wanted] if wanted else [one.id for one in dead_letters.list_jobs(url)]
        return "done" if act(url, ids) else "nothing"
    except QueueUnavailable:
        return "away"


def _jobs(desk: Desk) -> tuple[list[DeadJob], str]:
    if not desk.store.settings.redis_url:
        return [], "this process knows no queue"
    try:
        return dead_letters.list_jobs(desk.store.settings.redis_url), ""
    except QueueUnavailable as error:
        return [], str(error)
