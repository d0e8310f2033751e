"""Composes the bytes of a mail from an outbound row. The same row always gets the same Message-ID.

Header injection is impossible: every value loses its control characters before it becomes a header, and whatever looks
like an encoded word is broken up, because mail programs decode it, control characters and all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import format_datetime

from desk.mail.content import MailContent
from desk.mail.states import OutboundKind
from desk.mail.stored_file import StoredFile
from storage.mail.outbound_message import ClaimedMessage
from storage.people.addresses import canonical
from workers.outbound.mime import body, wire
from workers.outbound.mime.body import File
from workers.outbound.mime.wire import Header

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,100}@[A-Za-z0-9.-]{1,200}\Z")
# Characters beyond ASCII before the @ (RFC 6531): only a relay that offers SMTPUTF8 takes those.
_WIDE_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]{1,100}@[A-Za-z0-9.-]{1,200}\Z")
_ID = re.compile(r"(?!.*=\?)[!-;=?-~]{1,900}\Z")
_MEDIA_TYPE = re.compile(r"(?:application|audio|font|image|model|text|video)/([a-z0-9][a-z0-9!#$&^_.+-]{0,126})\Z")
MOST_REFERENCES = 100
_NO_ADDRESS = "{!r} is not an address that mail can be sent to"


class Unsendable(ValueError):
    """The row cannot become a mail; the text says why."""


def compose(message: ClaimedMessage, read_blob: Callable[[str], bytes | None], now: datetime) -> bytes:
    """The whole mail, CRLF lines, dated in the time zone of `now`. Raises Unsendable where it cannot be sent."""
    content = message.content_as(MailContent)
    headers = [*_headers(message, content, now), *_thread(content), *_signs(message, content)]
    files = [_file(stored, read_blob) for stored in content.attachments]
    return wire.mail(headers, body.build_body(content, files, message.external_id))


def recipient(message: ClaimedMessage) -> str:
    """The envelope's recipient; each further recipient has a row of their own."""
    address = canonical(message.recipient)
    if not _WIDE_ADDRESS.match(address) or message.recipient != message.recipient.strip():
        raise Unsendable(_NO_ADDRESS.format(_line(message.recipient)[:100]))
    return address


def is_wide(address: str) -> bool:
    """Whether only a relay that offers SMTPUTF8 takes mail to it."""
    return not address.isascii()


def _headers(message: ClaimedMessage, content: MailContent, now: datetime) -> Iterator[Header]:
    wide = is_wide(recipient(message))
    yield "Message-ID", f"<{message.external_id}>"
    yield "Date", format_datetime(message.created_at.astimezone(now.tzinfo) if content.automatic else now)
    yield "From", _mailbox(content.from_name, content.mailbox)
    yield "To", _party(content.to_name, content.to or message.recipient, wide=wide)
    copies = [each for each in content.cc if _WIDE_ADDRESS.match(canonical(each))]
    if copies:
        yield "Cc", ", ".join(_party("", each, wide=wide) for each in copies)
    if content.reply_to:
        yield "Reply-To", _mailbox(content.from_name, content.reply_to)
    yield "Subject", wire.unstructured(_line(content.subject))


def _thread(content: MailContent) -> Iterator[Header]:
    if _ID.match(content.in_reply_to):
        yield "In-Reply-To", f"<{content.in_reply_to}>"
    chain = [each for each in content.references if _ID.match(each)]
    if len(chain) > MOST_REFERENCES:
        chain = [chain[0], *chain[-MOST_REFERENCES + 1 :]]
    if chain:
        yield "References", " ".join(f"<{each}>" for each in chain)


def _signs(message: ClaimedMessage, content: MailContent) -> Iterator[Header]:
    """What tells other machines that a machine wrote this (RFC 3834), so that none answers."""
    yield "X-Frontdesk", f"{message.kind}; ticket={message.ticket_id or 0}"
    if content.automatic:
        yield "Auto-Submitted", "auto-generated" if message.kind == OutboundKind.NOTICE else "auto-replied"
        yield "X-Auto-Response-Suppress", "All"
        yield "Precedence", "auto_reply"


def _file(stored: StoredFile, read_blob: Callable[[str], bytes | None]) -> File:
    data = read_blob(stored.sha256)
    if data is None:
        raise Unsendable(f"the attachment {_line(stored.name)!r} is no longer stored")
    return File(_line(stored.name), _media_type(stored.media_type), data, stored.content_id, stored.inline)


def _media_type(text: str) -> str:
    """The type of a file; a mail goes as plain bytes, because it may not be encoded as base64 (RFC 2046)."""
    match = _MEDIA_TYPE.match(text.strip().lower())
    return match[0] if match else "application/octet-stream"


def _mailbox(name: str, mail_address: str) -> str:
    address = canonical(mail_address)
    if not _ADDRESS.match(address):
        raise Unsendable(_NO_ADDRESS.format(_line(mail_address)[:100]))
    return wire.mailbox(_line(name)[:200].strip(), address)


def _party(name: str, mail_address: str, *, wide: bool) -> str:
    """Somebody in To or Cc; where ASCII is all that may stand there, a wide address is an empty group (RFC 6857)."""
    address = canonical(mail_address)
    if not is_wide(address):
        return _mailbox(name, address)
    if not _WIDE_ADDRESS.match(address):
        raise Unsendable(_NO_ADDRESS.format(_line(mail_address)[:100]))
    name = _line(name)[:200].strip()
    return wire.mailbox(name, address) if wide else f"{wire.phrase(f'{name} {address}'.strip())}:;"


def _line(text: str) -> str:
    """One line that no parser can read as more than its letters."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode().replace("=?", "= ?").strip()
