"""Actions in side conversations, on the ticket page and by the API: begin, write, close, reopen.

Forms need no version, because they overwrite nothing; a double click is recognised by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.tickets import detail as ticket_page
from console.tickets.side_panel import QUOTES
from console.web.api_reading import json_response, read_endpoint
from console.web.api_writing import write_endpoint
from console.web.request_context import Action, Desk, Visit, action, read_fields, signed_in_visit
from desk.access.permissions import Verb
from desk.tickets.side_conversation import MOST_QUOTED, Side, State
from desk.tickets.ticket import Actor, ActorKind, Author, Message, NotAllowed, Ticket
from storage.tickets import tickets
from usecases.tickets import side_conversations
from usecases.tickets.side_conversations import SideMessage

_FILE = re.compile(r"file-([0-9]{1,18})-([0-9]{1,4})")
_DOUBLE_CLICK = 120


def routes(desk: Desk) -> list[BaseRoute]:
    forms = {"begin": begin, "say": send_message, "end": end, "reopen": reopen}
    by_api = partial(write_endpoint, desk, verb=Verb.SIDE)
    return [
        *(
            Route(f"/tickets/{{ticket_id:int}}/aside/{name}", _on_ticket(desk, act), methods=["POST"])
            for name, act in forms.items()
        ),
        Route("/api/v1/tickets/{ticket_id:int}/sides", read_endpoint(desk, list_side_conversations), methods=["GET"]),
        Route("/api/v1/tickets/{ticket_id:int}/sides", by_api(begin_by_api), methods=["POST"]),
        Route("/api/v1/sides/{side_id:int}/messages", by_api(send_message_by_api), methods=["POST"]),
        Route("/api/v1/sides/{side_id:int}/state", by_api(state_by_api), methods=["POST"]),
    ]


def begin(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Begins a side conversation with a third party."""
    ticket = _locked_ticket(visit)
    to, subject, words = fields.get("to", ""), fields.get("subject", ""), _words(fields)
    for side, newest in _newest(visit, ticket):
        if side.address in to.lower() and _is_repeated(visit, newest, words):
            return _back(ticket, side, "asked")
    side, _ = side_conversations.start_with_message(
        visit.session, ticket, to, subject, words, Author(visit.actor, visit.now, "console")
    )
    return _back(ticket, side, "asked")


def send_message(visit: Visit, fields: Mapping[str, str]) -> Response:
    ticket, words = _locked_ticket(visit), _words(fields)
    side = _side_of_form(visit, ticket, fields)
    newest = {one.id: message for one, message in _newest(visit, ticket)}
    if not _is_repeated(visit, newest.get(side.id), words):
        side_conversations.add_message(visit.session, side, ticket, words, Author(visit.actor, visit.now, "console"))
    return _back(ticket, side)


def end(visit: Visit, fields: Mapping[str, str]) -> Response:
    ticket = _locked_ticket(visit)
    side, _ = side_conversations.end(
        visit.session, _side_of_form(visit, ticket, fields), ticket, visit.actor, visit.now
    )
    return _back(ticket, side, "asideclosed")


def reopen(visit: Visit, fields: Mapping[str, str]) -> Response:
    ticket = _locked_ticket(visit)
    side, _ = side_conversations.reopen(
        visit.session, _side_of_form(visit, ticket, fields), ticket, visit.actor, visit.now
    )
    return _back(ticket, side, "asideopened")


def list_side_conversations(visit: Visit) -> Response:
    ticket = ticket_page.ticket_or_404(visit)
    return json_response({"side_conversations": side_conversations.all_as_json(visit.session, ticket.id)})


def begin_by_api(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"to": "a@b", "subject": "…", "text": "…", "files": [[message, place]], "quote": 1, "hold": true}`"""
    ticket, words, who = _locked_ticket(visit), _from_json(body), _author(visit)
    to, subject = _text(body, "to"), _text(body, "subject", "")
    for side, newest in _newest(visit, ticket):
        if side.address in to.lower() and _is_repeated(visit, newest, words):
            return _side_json(visit, side)
    side, _ = side_conversations.start_with_message(
        visit.session, ticket, to, subject, words, Author(who, visit.now, "api")
    )
    return _side_json(visit, side)


def send_message_by_api(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"text": "…"}`, with the same options as for beginning one."""
    (side, ticket), words = _side_of_path(visit), _from_json(body)
    newest = {one.id: message for one, message in _newest(visit, ticket)}
    if not _is_repeated(visit, newest.get(side.id), words):
        side_conversations.add_message(visit.session, side, ticket, words, Author(_author(visit), visit.now, "api"))
    return _side_json(visit, side)


def state_by_api(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"state": "closed"}` or `{"state": "open"}`"""
    if body.get("state") not in set(State):
        raise HTTPException(422, 'Send {"state": "closed"} or {"state": "open"}.')
    side, ticket = _side_of_path(visit)
    move = side_conversations.end if body["state"] == State.CLOSED else side_conversations.reopen
    move(visit.session, side, ticket, _author(visit), visit.now)
    return _side_json(visit, side)


def _on_ticket(desk: Desk, act: Action) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """A refused action is explained on the ticket page, with the typed text in its form."""
    perform = action(desk, act, Verb.SIDE)

    def explained(request: Request, fields: Mapping[str, str], why: str) -> Response:
        with desk.store.database.reading() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                raise HTTPException(403, "You are not signed in any more.")
            return ticket_page.page(visit, ticket_page.ticket_or_404(visit), 422, why, side_form=fields)

    async def endpoint(request: Request) -> Response:
        try:
            return await perform(request)
        except NotAllowed as error:
            fields = await read_fields(request)
            return await anyio.to_thread.run_sync(explained, request, fields, str(error))

    return endpoint


def _words(fields: Mapping[str, str]) -> SideMessage:
    chosen = [match for name in fields if (match := _FILE.fullmatch(name))]
    files = tuple((int(match[1]), int(match[2])) for match in chosen)
    quote = int(fields["quote"]) if fields.get("quote") in QUOTES else 0
    return SideMessage(fields.get("words", ""), files, quote, bool(fields.get("hold")), fields.get("also", ""))


def _from_json(body: Mapping[str, Any]) -> SideMessage:
    files, quote = body.get("files", []), body.get("quote", 0)
    right = isinstance(files, list) and all(
        isinstance(one, list) and len(one) == 2 and all(isinstance(part, int) and abs(part) < 2**62 for part in one)
        for one in files
    )
    if not right:
        raise HTTPException(422, "files is a list of [message, place].")
    if isinstance(quote, bool) or not isinstance(quote, int) or not 0 <= quote <= MOST_QUOTED:
        raise HTTPException(422, f"quote is a number up to {MOST_QUOTED}.")
    chosen = tuple((one[0], one[1]) for one in files)
    return SideMessage(_text(body, "text"), chosen, quote, body.get("hold") is True, _text(body, "also", ""))


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise HTTPException(422, f"{name} should be a text.")
    return value.replace("\0", "")


def _author(visit: Visit) -> Actor:
    return visit.actor if visit.cookie else Actor(ActorKind.AGENT, None, f"API token {visit.agent.name}")


def _is_repeated(visit: Visit, newest: Message | None, words: SideMessage) -> bool:
    """A double click, or a program's second try."""
    if newest is None or newest.inbound or newest.author != _author(visit):
        return False
    same = newest.reply == words.text.replace("\r\n", "\n").strip("\n")
    return same and (visit.now - newest.created_at).total_seconds() < _DOUBLE_CLICK


def _newest(visit: Visit, ticket: Ticket) -> list[tuple[Side, Message | None]]:
    messages = side_conversations.messages_by_conversation(visit.session, ticket.id)
    sides = side_conversations.of_ticket(visit.session, ticket.id)
    return [(side, messages[side.id][-1] if side.id in messages else None) for side in sides]


def _locked_ticket(visit: Visit) -> Ticket:
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    return ticket


def _side_of_form(visit: Visit, ticket: Ticket, fields: Mapping[str, str]) -> Side:
    number = fields.get("side", "")
    for side in side_conversations.of_ticket(visit.session, ticket.id):
        if str(side.id) == number:
            return side
    raise HTTPException(404, "There is no such side conversation on this ticket.")


def _side_of_path(visit: Visit) -> tuple[Side, Ticket]:
    try:
        return side_conversations.lock_with_ticket(visit.session, visit.number("side_id"))
    except NotAllowed:
        raise HTTPException(404, "There is no such side conversation.") from None


def _side_json(visit: Visit, side: Side) -> dict[str, Any]:
    rows = side_conversations.all_as_json(visit.session, side.ticket_id)
    return next(row for row in rows if row["id"] == side.id)


def _back(ticket: Ticket, side: Side, done: str = "aside") -> Response:
    return RedirectResponse(f"/tickets/{ticket.id}?done={done}&side={side.id}#side-{side.id}", 303)
