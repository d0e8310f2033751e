"""The reply box: drafts, undo send, scheduled replies, macros and suggestions.

Everything works without scripts, except that drafts are not saved while the agent types.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.admin import signatures
from console.tickets import macros, similar, uploads
from console.web.request_context import Visit
from desk.access.permissions import Verb
from desk.channels import traits_of
from desk.mail.stored_file import StoredFile
from desk.tickets import scheduled_replies
from desk.tickets.ticket import MessageKind, NotAllowed, Status, Ticket
from storage.people import people
from storage.tickets import drafts, presence, tickets
from storage.tickets.drafts import Draft
from usecases.agents import scheduled_replies as agents_scheduled_replies
from usecases.agents.scheduled_replies import ReplyRequest, ScheduledReply

LONGEST_TEXT = 200_000
_SOON = timedelta(minutes=2)
"""An answer that can still be taken back leaves within this time."""


def page_values(visit: Visit, ticket: Ticket, typed: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Template values: scheduled replies, the text of the box and its files; a suggestion or macro replaces a draft.

    `fields` are those of a form that was refused.
    """
    kept = drafts.get(visit.session, ticket.id, visit.agent.id) if not typed else None
    waiting = agents_scheduled_replies.scheduled_of_ticket(visit.session, ticket.id)
    names = people.by_ids(visit.session, [one.agent_id for one in waiting])
    return {
        "typed": kept.text if kept else typed,
        "files": _files(visit, kept, fields),
        "most_bytes": uploads.most_bytes(visit.desk),
        "as_note": kept is not None and kept.kind is MessageKind.NOTE,
        "waiting": [(one, names[one.agent_id]) for one in waiting],
        "may_undo": [one.id for one in waiting if _may_undo(visit, one)],
        "laters": scheduled_replies.LATER,
        "signature": signatures.preview(visit, ticket) if traits_of(ticket.channel).shows_signature else "",
        "present": presence.list_present(visit.session, [ticket.id], visit.now, but=visit.agent.id).get(ticket.id, []),
    }


def _files(visit: Visit, kept: Draft | None, fields: Mapping[str, str]) -> list[dict[str, str | int]]:
    """The files of the box: those of the refused form, else the draft's."""
    with suppress(NotAllowed):
        files = uploads.files_of_form(visit.desk, fields) or (kept.files if kept else ())
        return [uploads.describe(visit.desk, file) for file in files]
    return []


def send_reply(
    visit: Visit, ticket: Ticket, text: str, fields: Mapping[str, str], files: tuple[StoredFile, ...] = ()
) -> str:
    """Sends a public reply at once or schedules it; returns which of the two."""
    macro = macros.macro_of_message(visit, fields)
    signed = signatures.is_wanted(fields)
    wanted = ReplyRequest(text, fields.get("then") == Status.RESOLVED, macro.id if macro else None, signed=signed)
    wanted = replace(wanted, files=files)
    drafts.delete_draft(visit.session, ticket.id, visit.agent.id)
    later = fields.get("later", "")
    undo = agents_scheduled_replies.undo_time(visit.desk.settings.undo_send_seconds)
    if not later and not undo:
        agents_scheduled_replies.reply_now(visit.session, ticket, visit.actor, wanted, visit.now)
        done = "replied"
    elif later:
        at = scheduled_replies.moment(later, visit.now, ZoneInfo(visit.desk.settings.time_zone))
        wanted = replace(wanted, seen=agents_scheduled_replies.last_public_message(visit.session, ticket.id))
        agents_scheduled_replies.schedule(visit.session, ticket, visit.actor, wanted, visit.now, at)
        done = "later"
    else:
        agents_scheduled_replies.schedule(visit.session, ticket, visit.actor, wanted, visit.now, visit.now + undo)
        done = "sending"
    similar.note_use(visit, ticket, fields, text)
    return done


def undo_send(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Cancels a scheduled reply; its text is in the box again. It needs no version, because seconds count."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    number = fields.get("waiting", "")
    mine = [
        one for one in agents_scheduled_replies.scheduled_of_ticket(visit.session, ticket.id) if str(one.id) == number
    ]
    if mine and not _may_undo(visit, mine[0]):
        raise HTTPException(403, "This is another agent's reply.")
    agents_scheduled_replies.cancel(visit.session, ticket, mine[0].id if mine else 0, visit.actor, visit.now)
    return RedirectResponse(f"/tickets/{ticket.id}?done=unsent#text", 303)


def save_draft(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves the text of the box; called by a script of the page."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"))
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    text = fields.get("text", "").replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT:
        raise HTTPException(413, "This is too long.")
    kind = MessageKind.NOTE if fields.get("kind") == MessageKind.NOTE else MessageKind.REPLY
    files = uploads.files_of_form(visit.desk, fields)
    drafts.save(visit.session, ticket.id, visit.agent.id, Draft(kind, text, files), visit.now)
    return Response(status_code=204)


def is_scheduled_already(
    visit: Visit, ticket: Ticket, text: str, fields: Mapping[str, str], files: tuple[StoredFile, ...]
) -> bool:
    """Whether this reply is scheduled already: to be sent in a moment, or later if the form says later."""
    soon = visit.now + _SOON
    waiting = agents_scheduled_replies.scheduled_of_ticket(visit.session, ticket.id)
    return any(
        one.agent_id == visit.agent.id
        and (one.answer.text, one.answer.files) == (text, files)
        and (one.send_at <= soon or fields.get("later"))
        for one in waiting
    )


def _may_undo(visit: Visit, waiting: ScheduledReply) -> bool:
    return waiting.agent_id == visit.agent.id or visit.may(Verb.MANAGE)
