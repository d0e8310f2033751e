"""The HTML of a mail, in a frame that runs nothing, and its own pictures; nothing is loaded from anywhere else.

In: a message's sanitised HTML and its files. Out: a page of its own, which the ticket page shows in a sandboxed frame,
with a policy that only this page has; pictures as what they are. A sandboxed frame has no cookie, so the pictures in it
carry a signature that is void after an hour or two. Links open elsewhere and say where they really go.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.door import Desk, Visit, page
from console.view import is_picture
from desk.address import sign
from desk.ticket import Message
from storage import tickets
from storage.transaction import Session

_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self'; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEAD = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    '<base target="_blank">'
    '<link rel="stylesheet" href="/static/mail.css"></head><body dir="auto">'
)
_LINK = re.compile(r"<a((?:\s+[a-zA-Z-]{1,40}=\"[^\"]{0,4000}\"){0,20})\s*>", re.I)
_IMAGE = re.compile(r"<img((?:\s+[a-zA-Z-]{1,40}=\"[^\"]{0,4000}\"){0,20})\s*/?>", re.I)
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,40})=\"([^\"]*)\"")


def show(visit: Visit) -> Response:
    """The page inside the frame."""
    message = tickets.message(visit.session, visit.number("message_id"))
    if message is None or not message.html:
        raise HTTPException(404)
    html = _LINK.sub(_link, message.html)
    html = _IMAGE.sub(lambda found: _image(visit, message, found), html)
    headers = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(f"{_HEAD}{html}</body></html>", 200, headers)


def picture(desk: Desk) -> Callable[[Request], Response]:
    """One picture of a message: for agents, and inside the frame for whoever has the signature."""
    signed_in = page(desk, lambda visit: _picture(desk, visit.session, *_place(visit.request)))

    def endpoint(request: Request) -> Response:
        key = request.query_params.get("key")
        if key is None:
            return signed_in(request)
        message_id, place = _place(request)
        hour = _hour(desk)
        good = (_key(desk, message_id, place, one) for one in (hour, hour - 1))
        if not any(hmac.compare_digest(key.encode("utf-8", "replace"), one.encode()) for one in good):
            raise HTTPException(404)
        with desk.store.database.reading() as session:
            return _picture(desk, session, message_id, place)

    return endpoint


def _picture(desk: Desk, session: Session, message_id: int, place: int) -> Response:
    message = tickets.message(session, message_id)
    files = message.attachments if message else ()
    if place >= len(files) or not is_picture(files[place]):
        raise HTTPException(404)
    content = desk.store.blobs.get(session, files[place]["sha256"])
    if content is None:
        raise HTTPException(404)
    headers = {
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": "inline",
        "Cache-Control": "private, max-age=600",
    }
    return Response(content, 200, headers, files[place]["media_type"])


def _place(request: Request) -> tuple[int, int]:
    numbers = int(request.path_params["message_id"]), int(request.path_params["place"])
    if max(numbers) >= 2**63:
        raise HTTPException(404)
    return numbers


def _link(found: re.Match[str]) -> str:
    """The link with its real target as its title, whatever title the mail gave it."""
    target = unescape(_attributes(found).get("href", ""))
    if not target:
        return "<a>"
    return f'<a href="{escape(target)}" title="{escape(target)}" target="_blank" rel="noopener noreferrer nofollow">'


def _image(visit: Visit, message: Message, found: re.Match[str]) -> str:
    """A picture of the mail's own files; any other is only its words."""
    given = _attributes(found)
    kept = "".join(f' {name}="{given[name]}"' for name in ("alt", "width", "height") if name in given)
    source = unescape(given.get("src", ""))
    wanted = {source[4:], unquote(source[4:])} if source.lower().startswith("cid:") else set()
    for place, file in enumerate(message.attachments):
        if file.get("content_id") and file["content_id"] in wanted and is_picture(file):
            key = _key(visit.desk, message.id, place, _hour(visit.desk))
            return f'<img src="/messages/{message.id}/pictures/{place}?key={key}"{kept}>'
    return f"<img{kept}>"


def _attributes(found: re.Match[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in _ATTRIBUTE.findall(found[1])}


def _hour(desk: Desk) -> int:
    return int(desk.clock().timestamp()) // 3600


def _key(desk: Desk, message_id: int, place: int, hour: int) -> str:
    return sign("picture", f"{message_id}.{place}.{hour}", desk.store.secret)
