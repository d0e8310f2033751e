"""Bulk updates: tickets are selected in the inbox, the changes are previewed, then made, with a report of failures.

The form carries the version of each selected ticket. Each ticket is changed in a transaction of its own, so one that
somebody else has changed meanwhile does not stop the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, check_csrf, read_fields, redirect_to_sign_in, signed_in_visit
from desk.access.permissions import Verb
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from usecases.rules import bulk
from usecases.rules.bulk import BulkOutcome, BulkRequest, Seen
from usecases.rules.run_actions import ActionContext

Fields = Mapping[str, str]
ASKED = ("team", "assign", "priority", "tag", "untag", "status")
"""What may be asked for, in the order in which it is done: a new team clears the owner."""


def routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/tickets/bulk", endpoint(desk), methods=["POST"])]


def endpoint(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    def perform(request: Request, fields: Fields) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            _check(visit, fields)
            if not fields.get("confirm"):
                return _preview(visit, fields)
        return _done(desk, request, visit, fields)

    async def answer(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return answer


def _check(visit: Visit, fields: Fields) -> None:
    check_csrf(visit.desk, visit.request, fields, visit.cookie)
    visit.require(*verbs_of(fields))


def _preview(visit: Visit, fields: Fields) -> Response:
    seen = selected_tickets(fields)
    try:
        wish = requested_change(fields)
        outcomes = bulk.preview(visit.session, seen, wish, ActionContext(visit.actor, visit.now)) if seen else []
    except NotAllowed as error:
        return _page(visit, fields, [], 422, str(error))
    problem = "" if seen else "no ticket was picked"
    problem = problem or ("" if wish.actions or wish.into else "nothing was chosen that should be done to them")
    return _page(visit, fields, outcomes, 422 if problem else 200, problem)


def _done(desk: Desk, request: Request, visit: Visit, fields: Fields) -> Response:
    """Runs after the transaction that authenticated the agent."""

    @contextmanager
    def transaction() -> Iterator[Session]:
        with desk.store.database.transaction() as session:
            if signed_in_visit(desk, request, session) is None:
                raise NotAllowed("you were signed out meanwhile")
            yield session

    outcomes: list[BulkOutcome] = []
    problem = ""
    try:
        outcomes = bulk.run_bulk(
            transaction, selected_tickets(fields), requested_change(fields), ActionContext(visit.actor, visit.now)
        )
    except NotAllowed as error:
        problem = str(error)
    with desk.store.database.reading() as session:
        again = signed_in_visit(desk, request, session)
        if again is None:
            return redirect_to_sign_in(request)
        return _page(again, fields, outcomes, 422 if problem else 200, problem, confirmed=True)


def _page(
    visit: Visit,
    fields: Fields,
    outcomes: Sequence[BulkOutcome],
    status: int,
    problem: str = "",
    *,
    confirmed: bool = False,
) -> Response:
    return visit.html(
        "tickets/bulk.html",
        status,
        outcomes=outcomes,
        counted=outcome_counts(outcomes),
        problem=problem,
        confirmed=confirmed,
        carried={name: value for name, value in fields.items() if name not in ("csrf", "confirm") and value},
        list_query=fields.get("back", ""),
    )


def outcome_counts(outcomes: Sequence[BulkOutcome]) -> Counter[str]:
    """How many tickets change, fail, and are unchanged."""
    return Counter("refused" if one.refused else "changed" if one.events else "same" for one in outcomes)


def verbs_of(fields: Fields) -> tuple[Verb, ...]:
    """The permissions that the requested change needs."""
    asked = [name for name in ASKED if fields.get(name, "").strip()]
    assigns = (Verb.ASSIGN,) if {"team", "assign"} & set(asked) else ()
    return (Verb.CHANGE, *assigns, *((Verb.MERGE,) if fields.get("into", "").strip() else ()))


def selected_tickets(fields: Fields) -> Seen:
    """Ticket → version, as the inbox showed it."""
    versions = {name.removeprefix("pick-"): value for name, value in fields.items() if name.startswith("pick-")}
    return {
        int(number): int(version) for number, version in versions.items() if _is_number(number) and _is_number(version)
    }


def requested_change(fields: Fields) -> BulkRequest:
    """What the form asks for; NotAllowed if it is not valid."""
    into = fields.get("into", "").strip().removeprefix("#")
    if into:
        if not _is_number(into):
            raise NotAllowed("the ticket to merge into is no number")
        return BulkRequest(into=int(into))
    asked = [{name: _value(name, fields[name])} for name in ASKED if fields.get(name, "").strip()]
    return BulkRequest(bulk.actions_of(asked))


def _value(name: str, text: str) -> object:
    if name in ("tag", "untag"):
        return [part.strip()[:100] for part in text.split(",")[:20] if part.strip()]
    return text.strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
