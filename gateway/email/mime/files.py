"""The attachments of a mail: clean names, bytes and hashes.

A name never has a path, a control character or more than MAX_NAME characters; the bytes are never opened or unpacked.
"""

from __future__ import annotations

import hashlib
import re

from desk.mail.inbound_request import Attachment
from desk.text.file_names import LONGEST, clean_name
from gateway.email.mime import header
from gateway.email.mime.parts import Part, read_header

MAX_NAME = LONGEST

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")
_SUFFIXES = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf", "text/plain": ".txt",
    "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml", "application/zip": ".zip",
    "message/delivery-status": ".txt", "text/rfc822-headers": ".txt", "application/pgp-signature": ".asc",
    "application/ms-tnef": ".dat", "text/csv": ".csv", "application/pkcs7-signature": ".p7s",
}  # fmt: skip
_NAMES = {"application/ms-tnef": "winmail.dat", "text/calendar": "invite.ics", "message/delivery-status": "report.txt"}
_KNOWN = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".pdf": "application/pdf",
    ".txt": "text/plain", ".csv": "text/csv", ".zip": "application/zip", ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
"""What a file is by its name, where nobody says it."""


def attachment(part: Part, number: int) -> tuple[Attachment, bytes]:
    """One part as a file; `number` names it where it has no name."""
    content = part.content()
    disposition, params = part.disposition()
    name = params.get("filename") or params.get("name") or part.params.get("name") or ""
    name = clean_name(header.word_text(name))
    if not name:
        name = _own_name(part, content, number)
    content_id = header.text(part.header.first("content-id")).strip("<> ")[:200]
    media_type = part.media_type if _TYPE.fullmatch(part.media_type) else "application/octet-stream"
    inline = disposition == "inline" or (bool(content_id) and disposition != "attachment")
    return _made(name, media_type, content, content_id, inline=inline), content


def inner_attachment(
    name: str, content: bytes, media_type: str, content_id: str, number: int
) -> tuple[Attachment, bytes]:
    """A file that stood inside another part, as in a winmail.dat."""
    name = clean_name(name) or f"file-{number}"
    if not _TYPE.fullmatch(media_type):
        media_type = _KNOWN.get("." + name.lower().rpartition(".")[2], "application/octet-stream")
    return _made(name, media_type, content, content_id, inline=bool(content_id)), content


def _made(name: str, media_type: str, content: bytes, content_id: str, *, inline: bool) -> Attachment:
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(name, media_type, len(content), digest, content_id, inline)


def _own_name(part: Part, content: bytes, number: int) -> str:
    if part.media_type == "message/rfc822":
        subject = clean_name(read_header(content).text("subject").replace("/", "-"))[: MAX_NAME - 10]
        if subject:
            return subject + ".eml"
    if part.media_type in _NAMES:
        return _NAMES[part.media_type]
    return f"file-{number}{_SUFFIXES.get(part.media_type, '')}"
