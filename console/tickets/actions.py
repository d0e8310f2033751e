"""Actions of agents on a ticket: reply, note, update, assign, split, merge.

Each form carries the version of the ticket that its page showed. If the ticket has changed since, nothing is saved: the
agent sees what changed, keeps the typed text, and decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.tickets import composer, macros, uploads
from console.tickets import detail as ticket_page
from console.tickets.composer import LONGEST_TEXT
from console.web.request_context import (
    Action,
    Desk,
    PostedForm,
    Visit,
    check_csrf,
    read_fields,
    read_form,
    redirect_to_sign_in,
    signed_in_visit,
)
from desk.access.permissions import Verb
from desk.mail.stored_file import StoredFile
from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.ticket import DONE, Change, MessageKind, NotAllowed, Status, Ticket
from desk.web.clean_input import whole_number
from storage.access import audit
from storage.people import holders, people
from storage.tickets import drafts, tickets
from storage.tickets.tickets import Stale
from usecases.tickets import conversation, custom_fields, merging, resolution
from usecases.tickets.conversation import Written
from usecases.tickets.merging import MergeRequest

log = structlog.get_logger()

_LONGEST_NAME = 100
AGAIN_SECONDS, CONFLICT_SECONDS = 30, 120
"""So long the same words by the same agent on the same ticket are sent once: from a fresh page, from a stale one."""
CARRIED = (
    "status", "assignee", "team", "priority", "category", "tags", "into", "message", "then", "later", "macro",
    "signature",
)  # fmt: skip
"""What a form may wish for besides a text; the conflict page carries it along."""


def on_ticket(desk: Desk, act: Action, verb: Verb = Verb.CHANGE) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An action on a ticket in one transaction; a conflict or a refused action rolls it back and is explained."""

    async def endpoint(request: Request) -> Response:
        form = PostedForm(await read_fields(request))
        return await anyio.to_thread.run_sync(_perform, desk, act, verb, request, form)

    return endpoint


def reply_with_files(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The reply form, which may carry files."""

    async def endpoint(request: Request) -> Response:
        form = await read_form(request, uploads.most_bytes(desk), uploads.MOST_FILES)
        return await anyio.to_thread.run_sync(_perform, desk, reply, Verb.NOTE, request, form)

    return endpoint


def _perform(desk: Desk, act: Action, verb: Verb, request: Request, form: PostedForm) -> Response:
    try:
        with desk.store.database.transaction() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            response = _checked(replace(visit, uploads=form.files), form.fields, act, verb)
            audit.record_reads(session, session, desk.clock())
            return response
    except Stale:
        return _refusal_page(desk, request, form.fields, "")
    except NotAllowed as error:
        return _refusal_page(desk, request, form.fields, str(error))


def reply(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A public reply or an internal note, as the form says; a reply may resolve the ticket at once."""
    visit.require(*verbs_of_message(fields))
    ticket = locked_ticket(visit, fields)
    text = fields.get("text", "").replace("\r\n", "\n").strip("\n")
    if len(text) > LONGEST_TEXT:
        raise NotAllowed(f"a message has at most {LONGEST_TEXT} characters")
    files = (*uploads.files_of_form(visit.desk, fields), *uploads.store(visit, visit.uploads))
    uploads.check_size(visit.desk, files)
    if _is_repeated(visit, ticket, text, fields, AGAIN_SECONDS, files):
        drafts.delete_draft(visit.session, ticket.id, visit.agent.id)
        return _repeated(ticket, fields)
    if fields.get("kind") == MessageKind.NOTE:
        drafts.delete_draft(visit.session, ticket.id, visit.agent.id)
        written = Written(visit.actor, text, visit.now, via="console", attachments=files)
        noted = conversation.note(visit.session, ticket, written)
        macros.run_actions_of_message(visit, noted, fields)
        return _back(ticket, "noted")
    return _back(ticket, composer.send_reply(visit, ticket, text, fields, files))


def verbs_of_message(fields: Mapping[str, str]) -> tuple[Verb, ...]:
    """The permissions that a message needs: for a note or reply, its macro, and resolving."""
    written = Verb.NOTE if fields.get("kind") == MessageKind.NOTE else Verb.REPLY
    return (written, Verb.CHANGE) if fields.get("macro") or fields.get("then") else (written,)


def update(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves the properties that differ from what the page showed."""
    visit.require(*(_VERBS.get(name, Verb.CHANGE) for name in _CHANGES if name in fields))
    ticket = locked_ticket(visit, fields)
    change = Change(ticket)
    for name, apply in _CHANGES.items():
        value = fields.get(name, "").strip()
        if name in fields and value != fields.get(f"was_{name}", "").strip():
            change = change.then(apply(visit, change.ticket, value))
    moved = tickets.save(visit.session, custom_fields.refuse_unfilled_end(visit.session, ticket, change))
    if not visit.session.viewer.sees(moved.id, moved.team_id):
        return RedirectResponse("/tickets?done=private", 303)
    return _back(ticket, "updated" if change.events else "")


def take(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Assign to me."""
    ticket = locked_ticket(visit, fields)
    tickets.save(visit.session, _assign(visit, ticket, str(visit.agent.id)))
    return _back(ticket, "taken")


def split(visit: Visit, fields: Mapping[str, str]) -> Response:
    """One message becomes a new ticket."""
    ticket = locked_ticket(visit, fields)
    message = tickets.message(visit.session, _id(fields.get("message", "")))
    if message is None or message.ticket_id != ticket.id:
        raise NotAllowed("that message is not on this ticket")
    new_ticket = conversation.split(visit.session, message.id, visit.actor, visit.now)
    return _back(new_ticket, "split")


def merge(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Merges this ticket into another one."""
    ticket = locked_ticket(visit, fields)
    into = _id(fields.get("into", "").strip().removeprefix("#"))
    kept = merging.merge(visit.session, MergeRequest(ticket.id, into, visit.actor, visit.now))
    return _back(kept, "merged")


def _checked(visit: Visit, fields: Mapping[str, str], act: Action, verb: Verb) -> Response:
    check_csrf(visit.desk, visit.request, fields, visit.cookie)
    visit.require(verb)
    response = act(visit, fields)
    log.info("console_action_done", ticket_id=visit.number("ticket_id"), agent_id=visit.agent.id)
    return response


def locked_ticket(visit: Visit, fields: Mapping[str, str]) -> Ticket:
    """The ticket, locked until the end of the transaction; Stale if its version is not that of the form."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    if fields.get("version") != str(ticket.version):
        raise Stale(f"ticket #{ticket.id} was changed by somebody else")
    return ticket


def _refusal_page(desk: Desk, request: Request, fields: Mapping[str, str], why: str) -> Response:
    """The ticket page with the reason why nothing was saved."""
    with desk.store.database.reading() as session:
        visit = signed_in_visit(desk, request, session)
        if visit is None:
            return redirect_to_sign_in(request)
        ticket = ticket_page.ticket_or_404(visit)
        if why:
            return ticket_page.page(visit, ticket, 422, why, fields)
        return _conflict(visit, ticket, fields)


def _conflict(visit: Visit, ticket: Ticket, fields: Mapping[str, str]) -> Response:
    text = fields.get("text", "").replace("\r\n", "\n").strip("\n")
    if _is_repeated(visit, ticket, text, fields, CONFLICT_SECONDS, uploads.files_of_form(visit.desk, fields)):
        return _back(ticket, "replied")
    history = tickets.history(visit.session, ticket.id)
    seen = whole_number(fields.get("seen", ""), len(history)) or 0
    wishes = {name: value for name, value in fields.items() if name.removeprefix("was_") in CARRIED}
    shown = {n: v for n, v in wishes.items() if not n.startswith("was_") and v != wishes.get(f"was_{n}", "")}
    wishes |= uploads.carried(fields)
    return visit.html(
        "tickets/conflict.html",
        409,
        ticket=ticket,
        changed=history[seen:],
        seen=len(history),
        fields=fields,
        wishes=wishes,
        shown={name: _readable(visit, name, value) for name, value in shown.items()},
        text=text,
    )


def _is_repeated(
    visit: Visit,
    ticket: Ticket,
    text: str,
    fields: Mapping[str, str],
    seconds: int,
    files: tuple[StoredFile, ...],
) -> bool:
    """A double click, or Back and Send once more: the agent's last message has the same text and files."""
    wanted = MessageKind.NOTE if fields.get("kind") == MessageKind.NOTE else MessageKind.REPLY
    if not text and not files:
        return False
    if wanted is MessageKind.REPLY and composer.is_scheduled_already(visit, ticket, text, fields, files):
        return True
    last = tickets.newest_of_agent(visit.session, ticket.id, visit.agent.id, wanted)
    same = last is not None and (last.text, last.attachments) == (text, files)
    return last is not None and same and (visit.now - last.created_at).total_seconds() < seconds


def _repeated(ticket: Ticket, fields: Mapping[str, str]) -> Response:
    """The message is sent once. If the second form asked for more than the message, the agent is told."""
    if fields.get("then") == Status.RESOLVED and ticket.status not in DONE and fields.get("kind") != MessageKind.NOTE:
        raise NotAllowed("these words were sent a moment ago; to resolve the ticket, choose its status")
    return _back(ticket, "replied")


def _readable(visit: Visit, name: str, value: str) -> str:
    if name == "assignee":
        agent = people.by_ids(visit.session, [_id(value)]).get(_id(value)) if value else None
        return (agent.name or agent.address) if agent else "nobody"
    if name == "team":
        return next((team.name for team in people.all_teams(visit.session) if str(team.id) == value), "none")
    return value


def _back(ticket: Ticket, done: str) -> Response:
    return RedirectResponse(f"/tickets/{ticket.id}" + (f"?done={done}" if done else ""), 303)


def _set_status(visit: Visit, ticket: Ticket, value: str) -> Change:
    if value not in set(Status):
        raise NotAllowed("that is no status")
    if value == Status.RESOLVED and ticket.status is not Status.RESOLVED:
        return resolution.resolve(visit.session, ticket, visit.actor, visit.now)
    return transitions.set_status(ticket, Status(value), visit.actor, visit.now)


def _set_priority(visit: Visit, ticket: Ticket, value: str) -> Change:
    if value not in set(Priority):
        raise NotAllowed("that is no priority")
    return transitions.set_priority(ticket, Priority(value), visit.actor, visit.now, "set in the console")


def _set_category(visit: Visit, ticket: Ticket, value: str) -> Change:
    name = plain_name(value) or None
    return transitions.set_category(ticket, name, visit.actor, visit.now, "set in the console", "console")


def _to_team(visit: Visit, ticket: Ticket, value: str) -> Change:
    team = next((team for team in people.all_teams(visit.session) if str(team.id) == value), None)
    if team is None:
        raise NotAllowed("there is no such team")
    return transitions.to_team(ticket, team.id, team.name, visit.actor, visit.now)


def _assign(visit: Visit, ticket: Ticket, value: str) -> Change:
    if not value:
        return transitions.assign(ticket, None, "", visit.actor, visit.now)
    agent = people.by_ids(visit.session, [_id(value)]).get(_id(value))
    if agent is None or not agent.is_agent:
        raise NotAllowed("there is no such agent")
    holders.check(visit.session, ticket.team_id, agent.id)
    return transitions.assign(ticket, agent.id, agent.name or agent.address, visit.actor, visit.now)


def _tag(visit: Visit, ticket: Ticket, value: str) -> Change:
    names = tuple(name for part in value.split(",")[:20] if (name := plain_name(part)))
    return transitions.tag(ticket, names, visit.actor, visit.now)


def plain_name(text: str) -> str:
    """A category or tag without invisible characters."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_LONGEST_NAME]


def _id(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise NotAllowed("that is no number")
    return number


_VERBS: Mapping[str, Verb] = {"team": Verb.ASSIGN, "assignee": Verb.ASSIGN}
_CHANGES: Mapping[str, Callable[[Visit, Ticket, str], Change]] = {
    "team": _to_team,
    "assignee": _assign,
    "priority": _set_priority,
    "category": _set_category,
    "tags": _tag,
    "status": _set_status,
}
"""In this order: a new team clears the assignee, so the assignee comes after it."""
