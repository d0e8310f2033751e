"""The HTML of a mail in a sandboxed frame, with its own pictures; remote pictures only after a click.

The frame is a page of its own with its own security policy; it runs no scripts and has no cookies. So its URL carries a
signature that expires after a day, and its pictures one that expires after an hour or two. A link in a mail cannot show
remote pictures: only a signed URL does. Links show their real target.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape, unescape
from urllib.parse import unquote

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.tickets import remote_images
from console.web import rendering
from console.web.rendering import is_picture
from console.web.request_context import Desk, page
from desk.signed.reply_address import sign
from desk.tickets.ticket import Message
from storage.db.session import Session
from storage.tickets import tickets

_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src {}; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
FRAME_HOURS = 12
"""An agent may leave a ticket open for so long before its frame says that the page is old."""
_OLD = "This page was opened long ago. Reload the ticket to see its HTML."
_LINK = re.compile(r"<a((?:\s+[a-zA-Z-]{1,40}=\"[^\"]{0,4000}\"){0,20})\s*>", re.I)
_IMAGE = re.compile(r"<img((?:\s+[a-zA-Z-]{1,40}=\"[^\"]{0,4000}\"){0,20})\s*/?>", re.I)
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,40})=\"([^\"]*)\"")


def frame_url(desk: Desk, message_id: int) -> str:
    """The signed URL of the frame of a message."""
    return f"/messages/{message_id}/html?key={_key(desk, 'frame', message_id, _hour(desk) // FRAME_HOURS)}"


def frame(desk: Desk) -> Callable[[Request], Response]:
    """The page inside the frame: for agents, and for whoever has the signature, who may ask for remote pictures."""
    signed_in = page(desk, lambda visit: _frame(desk, visit.session, visit.number("message_id")))

    def endpoint(request: Request) -> Response:
        if "key" not in request.query_params:
            return signed_in(request)
        message_id = int(request.path_params["message_id"])
        now = _hour(desk) // FRAME_HOURS
        if not _has_key(request, [_key(desk, "frame", message_id, one) for one in (now, now - 1)]):
            return _page("'self'", outside=remote_images.RemoteImages(), html=_OLD)
        with desk.store.database.reading() as session:
            return _frame(desk, session, message_id, request.query_params.get("pictures", ""))

    return endpoint


def _frame(desk: Desk, session: Session, message_id: int, pictures: str = "") -> Response:
    message = tickets.message(session, message_id)
    if message is None or not message.html:
        raise HTTPException(404)
    outside = remote_images.find_remote_images(map(_attributes, _IMAGE.finditer(message.html)))
    origins = outside.origins if pictures == "shown" else ()
    html = _LINK.sub(_link, message.html)
    html = _IMAGE.sub(lambda found: _image(desk, message, _attributes(found), origins), html)
    other = frame_url(desk, message_id) + ("" if pictures == "shown" else "&pictures=shown")
    sources = " ".join(["'self'", *origins])
    return _page(sources, outside=outside, pictures=pictures, other=other, html=Markup(html))


def _page(sources: str, **values: object) -> Response:
    headers = {"Content-Security-Policy": _POLICY.format(sources), "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(rendering.render("tickets/html_mail.html", values), 200, headers)


def picture(desk: Desk) -> Callable[[Request], Response]:
    """One picture of a message: for agents, and inside the frame for whoever has the signature."""
    signed_in = page(desk, lambda visit: _picture(desk, visit.session, *_place(visit.request)))

    def endpoint(request: Request) -> Response:
        if "key" not in request.query_params:
            return signed_in(request)
        message_id, place = _place(request)
        hour = _hour(desk)
        if not _has_key(request, [_key(desk, "picture", f"{message_id}.{place}", one) for one in (hour, hour - 1)]):
            raise HTTPException(404)
        with desk.store.database.reading() as session:
            return _picture(desk, session, message_id, place)

    return endpoint


def _picture(desk: Desk, session: Session, message_id: int, place: int) -> Response:
    message = tickets.message(session, message_id)
    files = message.attachments if message else ()
    if place >= len(files) or not is_picture(files[place]):
        raise HTTPException(404)
    content = desk.store.blobs.get(session, files[place].sha256)
    if content is None:
        raise HTTPException(404)
    headers = {
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": "inline",
        "Cache-Control": "private, max-age=600",
    }
    return Response(content, 200, headers, files[place].media_type)


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


def _image(desk: Desk, message: Message, given: Mapping[str, str], origins: Collection[str]) -> str:
    """A picture of the mail's own files, or of an allowed origin; otherwise only its alternative text."""
    kept = "".join(f' {name}="{given[name]}"' for name in ("alt", "width", "height") if name in given)
    if remote_images.ATTRIBUTE in given:
        return _remote_picture(given, kept, origins)
    source = unescape(given.get("src", ""))
    wanted = {source[4:], unquote(source[4:])} if source.lower().startswith("cid:") else set()
    for place, file in enumerate(message.attachments):
        if file.content_id and file.content_id in wanted and is_picture(file):
            key = _key(desk, "picture", f"{message.id}.{place}", _hour(desk))
            return f'<img src="/messages/{message.id}/pictures/{place}?key={key}"{kept}>'
    return f"<img{kept}>"


def _remote_picture(given: Mapping[str, str], kept: str, origins: Collection[str]) -> str:
    if remote_images.is_tracker(given):
        return ""
    if remote_images.origin(given) not in origins:
        words = escape(unescape(given.get("alt", "")).strip())
        return f'<span class="missing">{words}</span>' if words else ""
    target = escape(unescape(given[remote_images.ATTRIBUTE]))
    return f'<img src="{target}" referrerpolicy="no-referrer"{kept}>'


def _attributes(found: re.Match[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in _ATTRIBUTE.findall(found[1])}


def _hour(desk: Desk) -> int:
    return int(desk.clock().timestamp()) // 3600


def _key(desk: Desk, purpose: str, what: object, when: int) -> str:
    return sign(purpose, f"{what}.{when}", desk.store.secret)


def _has_key(request: Request, good: Sequence[str]) -> bool:
    given = request.query_params["key"].encode("utf-8", "replace")
    return any(hmac.compare_digest(given, one.encode()) for one in good)
