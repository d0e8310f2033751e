"""Downloads of attachments and raw mails. Headers make browsers save them and never show or run them."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.web.request_context import Visit
from desk.web import download
from storage.mail import inbound, outbound
from storage.tickets import tickets


def attachment(visit: Visit) -> Response:
    """One attachment of a message, by its position."""
    message = tickets.message(visit.session, visit.number("message_id"))
    place = visit.number("place")
    if message is None or place >= len(message.attachments):
        raise HTTPException(404)
    file = message.attachments[place]
    return _blob(visit, file.sha256, file.name or "file")


def raw_message(visit: Visit) -> Response:
    """The raw mail of a message."""
    message = tickets.message(visit.session, visit.number("message_id"))
    return _blob(visit, message.raw if message else "", f"message-{visit.number('message_id')}.eml")


def raw_inbound(visit: Visit) -> Response:
    """The raw bytes of an inbound message, whatever became of it."""
    row = inbound.get(visit.session, visit.number("inbound_id"))
    return _blob(visit, row["raw"] if row else "", f"inbound-{visit.number('inbound_id')}.eml")


def raw_outbound(visit: Visit) -> Response:
    """The raw bytes of a mail that was sent or captured."""
    row = outbound.get(visit.session, visit.number("outbound_id"))
    return _blob(visit, row["raw"] if row else "", f"outbound-{visit.number('outbound_id')}.eml")


def _blob(visit: Visit, sha256: str, name: str) -> Response:
    content = visit.desk.store.blobs.get(visit.session, sha256) if sha256 else None
    if content is None:
        raise HTTPException(404)
    return Response(content, 200, dict(download.headers(name)), download.MEDIA_TYPE)
