"""Public replies and internal notes by JSON, with or without the agent's signature; a reply may resolve the ticket.

An agent's session writes as that agent; a token names the agent for whom it writes. The mail is sent as from the
console. With the `version` that the caller has seen, a repeated request is refused with 409.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from console.tickets.composer import LONGEST_TEXT
from console.web.api_writing import write_endpoint
from console.web.request_context import Desk, Visit
from desk.access.permissions import MEANS, Verb
from desk.tickets.ticket import Actor, ActorKind, NotAllowed, Ticket
from storage.db.session import Session
from storage.people import holders, people
from storage.tickets import tickets
from storage.tickets.tickets import Stale
from usecases.agents import scheduled_replies
from usecases.agents.scheduled_replies import ReplyRequest
from usecases.tickets import conversation
from usecases.tickets.conversation import Written


def routes(desk: Desk) -> list[BaseRoute]:
    path = "/api/v1/tickets/{ticket_id:int}"
    verbs = {"reply": (reply, Verb.REPLY), "note": (note, Verb.NOTE)}
    return [
        Route(f"{path}/{name}", write_endpoint(desk, act, verb=verb), methods=["POST"], name=name)
        for name, (act, verb) in verbs.items()
    ]


def reply(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """`text`, and optionally `resolve`, `signature` (false: without) and `version`."""
    ticket, actor, text = _checked(visit, body, Verb.REPLY)
    answer = ReplyRequest(text, resolve=_flag(body, "resolve", False), signed=_flag(body, "signature", True))
    return _ticket_state(scheduled_replies.reply_now(visit.session, ticket, actor, answer, visit.now, via=_via(visit)))


def note(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    ticket, actor, text = _checked(visit, body, Verb.NOTE)
    return _ticket_state(conversation.note(visit.session, ticket, Written(actor, text, visit.now, via=_via(visit))))


def in_name_of(session: Session, address: str, ticket: Ticket, verb: Verb) -> Actor:
    """The active agent with that address, if the role allows it and the agent may see the ticket."""
    agent = people.by_address(session, address.strip())
    if agent is None or not agent.may(verb):
        raise NotAllowed(f"there is no agent {address!r} who may {MEANS[verb]}")
    holders.check_member(session, ticket.team_id, agent.id)
    return Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)


def _checked(visit: Visit, body: Mapping[str, Any], verb: Verb) -> tuple[Ticket, Actor, str]:
    text, version, by = body.get("text"), body.get("version"), body.get("by", "")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise HTTPException(422, f'Send {{"text": "…"}} of at most {LONGEST_TEXT} characters.')
    if not isinstance(by, str) or (not by and not visit.cookie):
        raise HTTPException(422, "A token says in `by` for which agent it writes: the address of one.")
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None or ticket.merged_into is not None:
        raise HTTPException(404, "There is no such ticket, or it was merged.")
    if version is not None and version != ticket.version:
        raise Stale(f"ticket #{ticket.id} was changed by somebody else")
    actor = visit.actor if visit.cookie else in_name_of(visit.session, by, ticket, verb)
    return ticket, actor, text.replace("\r\n", "\n").replace("\0", "").strip("\n")


def _via(visit: Visit) -> str:
    """The message records which token wrote it."""
    return "api" if visit.cookie else f"api token {visit.agent.name}"


def _ticket_state(ticket: Ticket) -> dict[str, Any]:
    return {"id": ticket.id, "status": str(ticket.status), "version": ticket.version}


def _flag(body: Mapping[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise HTTPException(422, f"{name} should be true or false.")
    return value
