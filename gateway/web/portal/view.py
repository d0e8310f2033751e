"""Renders the portal's pages: headers, language, times in the desk's time zone, links in texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from desk.config.settings import Settings
from desk.portal import texts as portal_texts
from gateway.web.form import HEADERS as FORM_HEADERS

HEADERS: Mapping[str, str] = {
    **FORM_HEADERS,
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LINK = re.compile(r"https?://[^\s<>\"\u2028\u2029]{1,2000}", re.I)
_AFTER_LINK = ".,;:!?'*_»”’)]}"
_jinja = Environment(loader=PackageLoader("gateway.web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def language(request: Request, otherwise: str = "") -> str:
    """What the browser asks for; else what is known of the requester."""
    return portal_texts.wanted(request.headers.get("accept-language", ""), otherwise)


def html(settings: Settings, spoken: str, template: str, status: int = 200, **values: object) -> Response:
    """One page in that language."""
    said = portal_texts.words(spoken)
    page = _jinja.get_template(template).render(
        said=said, language=spoken, desk=settings.desk_name, zone=ZoneInfo(settings.time_zone), **values
    )
    return Response(page, status, dict(HEADERS), "text/html; charset=utf-8")


def _when(moment: datetime, zone: ZoneInfo) -> Markup:
    """A moment as people read it, with what machines read beside it."""
    local = moment.astimezone(zone)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), f"{local:%Y-%m-%d %H:%M %Z}")


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:.1f} MB" if octets >= 1_000_000 else f"{max(octets, 1) / 1000:.0f} kB"


def _linked(text: str) -> Markup:
    """The text, escaped, with its web addresses as links that tell nobody where they were found."""
    out, end = Markup(""), 0
    for match in _LINK.finditer(text):
        target = match[0].rstrip(_AFTER_LINK)
        link = Markup('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>').format(target)
        out, end = out + escape(text[end : match.start()]) + link, match.start() + len(target)
    return out + escape(text[end:])


_jinja.filters |= {"when": _when, "size": _size, "linked": _linked}
