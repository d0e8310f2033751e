"""The page of captured mail: without a relay no mail is sent; it is stored and shown here, with its links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.web.request_context import Visit
from storage.mail import outbound
from storage.tickets import listings

PER_PAGE = 50
_HEADERS = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References")
_LINK = re.compile(r"https?://[^\s<>\"')\]]{1,2000}")


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail as it is shown."""

    headers: tuple[tuple[str, str], ...]
    text: str


def show(visit: Visit) -> Response:
    rows = listings.list_captured(visit.session, before=visit.before(), most=PER_PAGE + 1)
    more = rows[PER_PAGE - 1]["id"] if rows[PER_PAGE:] else 0
    return visit.html("operations/captured_mail.html", rows=rows[:PER_PAGE], more=more)


def detail(visit: Visit) -> Response:
    row = outbound.get(visit.session, visit.number("outbound_id"))
    if row is None:
        raise HTTPException(404, "There is no such mail.")
    raw = visit.desk.store.blobs.get(visit.session, row["raw"]) if row["raw"] else None
    parsed = parse_mail(raw) if raw else _unsent(row)
    return visit.html(
        "operations/captured_message.html",
        row=row,
        parsed=parsed,
        text=with_links(parsed.text),
        has_raw=raw is not None,
    )


def parse_mail(raw: bytes) -> ParsedMail:
    """Parses a mail that we rendered."""
    mail = message_from_bytes(raw)
    headers = tuple((name, _decoded(value)) for name in _HEADERS if (value := mail.get(name)))
    return ParsedMail(headers, _text(mail))


def with_links(text: str) -> Markup:
    """The text with its web addresses as links; the rest is escaped."""
    out, end = Markup(), 0
    for match in _LINK.finditer(text):
        link = Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(match[0])
        out += escape(text[end : match.start()]) + link
        end = match.end()
    return out + escape(text[end:])


def _unsent(row: dict[str, Any]) -> ParsedMail:
    content = row["content"]
    named = (("From", content.get("from", "")), ("To", row["recipient"]), ("Subject", content.get("subject", "")))
    return ParsedMail(named, content.get("text", ""))


def _decoded(value: object) -> str:
    try:
        return str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):
        return str(value)


def _text(mail: Message[str, str]) -> str:
    part = next((part for part in mail.walk() if part.get_content_type() == "text/plain"), None)
    content = part.get_payload(decode=True) if part else b""
    return content.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(content, bytes) else ""
