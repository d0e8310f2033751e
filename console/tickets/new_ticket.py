"""A new ticket by an agent: a call or a visit is written down for somebody, found while one types, or new."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.tickets import uploads
from console.web.request_context import (
    Desk,
    PostedForm,
    Visit,
    check_csrf,
    page,
    read_form,
    redirect_to_sign_in,
    signed_in_visit,
)
from desk.access.permissions import Verb
from desk.tickets.ticket import NotAllowed
from desk.web.clean_input import whole_number
from storage.mail import inbound
from storage.people import people, people_search
from usecases.phone import call_log
from usecases.phone.call_log import NUMBERS, Call

MOST_PEOPLE = 8
_LONGEST_CALL = 24 * 60


def routes(desk: Desk) -> list[BaseRoute]:
    async def save(request: Request) -> Response:
        form = await read_form(request, uploads.most_bytes(desk), uploads.MOST_FILES)
        return await anyio.to_thread.run_sync(_save, desk, request, form)

    return [
        Route("/tickets/new", page(desk, show), methods=["GET"]),
        Route("/tickets/new", save, methods=["POST"]),
        Route("/tickets/new/{inbound_id:int}", page(desk, wait)),
        Route("/people", page(desk, find_people)),
    ]


def show(visit: Visit, status: int = 200, problem: str = "", typed: Mapping[str, str] | None = None) -> Response:
    """The form; after a refused one with the reason and what was typed."""
    visit.require(Verb.CHANGE)
    fields = typed or dict(visit.request.query_params)
    files = uploads.files_of_form(visit.desk, uploads.carried(fields)) if typed and not problem else ()
    return visit.html(
        "tickets/new_ticket.html",
        status,
        problem=problem,
        typed=fields,
        mailboxes=people.all_mailboxes(visit.session),
        key=fields.get("key") or secrets.token_hex(12),
        files=[uploads.describe(visit.desk, file) for file in files],
        most_bytes=uploads.most_bytes(visit.desk),
    )


def wait(visit: Visit) -> Response:
    """Where the form leads: to the ticket, as soon as it is there."""
    row = inbound.ticket_of(visit.session, visit.number("inbound_id"))
    if row is None:
        raise HTTPException(404)
    if row:
        return RedirectResponse(f"/tickets/{row}", 303)
    response = visit.html("tickets/new_ticket_wait.html")
    response.headers["Refresh"] = "1"
    return response


def find_people(visit: Visit) -> Response:
    """Requesters whose name, address or number has these letters, for the field of the form."""
    visit.require(Verb.CHANGE)
    words = visit.request.query_params.get("q", "").strip()[:100]
    persons = people_search.find_people(visit.session, words, MOST_PEOPLE) if len(words) > 1 else []
    return JSONResponse([
        {"caller": person.address.removesuffix(f"@{NUMBERS}"), "name": person.name, "open": person.open_tickets}
        for person in persons
    ])  # fmt: skip


def _save(desk: Desk, request: Request, form: PostedForm) -> Response:
    try:
        with desk.store.database.transaction() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            check_csrf(desk, request, form.fields, visit.cookie)
            visit.require(Verb.CHANGE)
            call = _call(visit, form)
            number = call_log.log_call(session, call, visit.actor.name, visit.now)
        return RedirectResponse(f"/tickets/new/{number}", 303)
    except NotAllowed as error:
        with desk.store.database.reading() as session:
            again = signed_in_visit(desk, request, session)
            return show(again, 422, str(error), form.fields) if again else redirect_to_sign_in(request)


def _call(visit: Visit, form: PostedForm) -> Call:
    fields = form.fields
    files = (*uploads.files_of_form(visit.desk, fields), *uploads.store(visit, form.files))
    uploads.check_size(visit.desk, files)
    known = {box.address for box in people.all_mailboxes(visit.session)}
    return Call(
        caller=fields.get("caller", "")[:320],
        name=" ".join(fields.get("name", "").split())[:200],
        subject=" ".join(fields.get("subject", "").split())[:500],
        text=fields.get("text", "").replace("\r\n", "\n"),
        minutes=min(whole_number(fields.get("minutes", "")) or 0, _LONGEST_CALL),
        outgoing=fields.get("direction") == "outgoing",
        mailbox=fields.get("mailbox", "") if fields.get("mailbox", "") in known else "",
        confirm=fields.get("confirm") == "yes",
        files=files,
        key=fields.get("key", "")[:64],
    )
