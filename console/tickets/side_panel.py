"""The panel of side conversations on the ticket page: their messages, and the forms to begin and continue one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.tickets import html_mail
from console.web.request_context import Visit
from desk.mail.states import OutboundKind, OutboundState
from desk.mail.stored_file import StoredFile
from desk.tickets.ticket import ActorKind, Message, Ticket
from usecases.tickets import side_conversations

QUOTES = {"0": "nothing", "1": "the last message", "3": "the last 3 messages", "5": "the last 5 messages"}


def page_values(
    visit: Visit,
    ticket: Ticket,
    messages: Sequence[Message],
    sent: Sequence[Mapping[str, Any]],
    side_form: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Template values of the panel."""
    sides = side_conversations.of_ticket(visit.session, ticket.id)
    by_side = side_conversations.messages_by_conversation(visit.session, ticket.id) if sides else {}
    every = [one for words in by_side.values() for one in words]
    posted = {one["message_id"]: one for one in sent if one["kind"] == OutboundKind.SIDE}
    return {
        "sides": [(side, by_side.get(side.id, [])) for side in sides],
        "side_answered": [side.id for side in sides if _is_answered(by_side.get(side.id, ()))],
        "side_frames": {one.id: html_mail.frame_url(visit.desk, one.id) for one in every if one.html},
        "side_deliveries": posted,
        "side_failed": [side.id for side in sides if _is_lost(by_side.get(side.id, ()), posted)],
        "side_files": _files([*messages, *every]),
        "side_quotes": QUOTES,
        "side_typed": side_form or {},
        "side_shown": (side_form or {}).get("side") or visit.request.query_params.get("side", ""),
    }


def _is_answered(messages_of_side: Sequence[Message]) -> bool:
    """Whether the last message is the third party's; automatic mail does not count."""
    spoken = [one for one in messages_of_side if not one.trust.automatic]
    return bool(spoken) and spoken[-1].author.kind is ActorKind.THIRD_PARTY


def _is_lost(messages_of_side: Sequence[Message], posted: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether the last mail to the third party was not delivered."""
    ours = [one.id for one in messages_of_side if one.author.kind is not ActorKind.THIRD_PARTY]
    return bool(ours) and posted.get(ours[-1], {}).get("state") in (OutboundState.UNDELIVERABLE, OutboundState.BOUNCED)


def _files(messages: Sequence[Message]) -> list[tuple[str, StoredFile]]:
    """Every file of the ticket once, by the name of its checkbox in the forms."""
    files: dict[str, tuple[str, StoredFile]] = {}
    for message in messages:
        for place, file in enumerate(message.attachments):
            files.setdefault(f"{file.sha256} {file.name}", (f"file-{message.id}-{place}", file))
    return list(files.values())
