"""Cleans HTML so that it is safe to show: allowed tags and links stay, what runs, loads or styles is removed.

Images stay as `cid:` references to the mail's own files; a remote one keeps its address in an attribute that loads
nothing (`data-elsewhere`), so that the agent is asked first. A link whose text names another host than the one it goes
to is followed by its target. The sanitiser is fast on ordinary mail and takes seconds on hostile nesting, so size,
number of tags and depth are capped before it; above them there is no HTML, only text.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

from gateway.email.html import links
from gateway.email.html.text import Shape

MAX_CHARACTERS = 500_000
MAX_TAGS = 20_000
MAX_DEPTH = 200
MAX_TAG = 10_000
MAX_ENTITIES = 20_000
MAX_ADDRESS = 2_000
ELSEWHERE = "data-elsewhere"

_TAGS = {
    "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
    "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p",
    "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "tt", "u", "ul", "var", "bdi", "bdo", "font",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "ol": {"start", "type"},
    "*": {"dir", "lang"},
}
_DROPPED_WITH_CONTENT = {"script", "style", "title", "head", "template", "noscript", "iframe", "object", "svg", "math"}

_LINK = re.compile(r'(?:[\w-]{1,40}="[^"]*" )*?href="([^"]*)"(?: [\w-]{1,40}="[^"]*")*>')
_TAG = re.compile(r"<[^<>]*>")
_WEB = re.compile(r"https?://[^/?#@\\]+(?:[/?#].*)?", re.I)
_MARK = "elsewhere:"
_MARKED = re.compile(rf'(<img(?: [\w-]{{1,40}}="[^"]*")*?) src="{_MARK}')


def fits(source: str, shape: Shape) -> bool:
    """Whether the sanitiser can be trusted with it."""
    return (
        len(source) <= MAX_CHARACTERS
        and shape.tags <= MAX_TAGS
        and shape.deepest <= MAX_DEPTH
        and shape.longest_tag <= MAX_TAG
        and source.count("&") <= MAX_ENTITIES
    )


def clean(source: str) -> str:
    """The safe form of HTML that fits."""
    cleaned = str(_cleaner().clean(source)).strip()
    if _MARK in cleaned:
        cleaned = _MARKED.sub(rf'\1 {ELSEWHERE}="', cleaned)
    return _with_targets(cleaned)


def _with_targets(cleaned: str) -> str:
    """The same with the targets of links that hide them. What the sanitiser wrote is well formed."""
    before, *pieces = cleaned.split("<a ")
    return before + "".join(map(_with_target, pieces))


def _with_target(piece: str) -> str:
    match = _LINK.match(piece)
    end = piece.find("</a>", match.end()) if match else -1
    if match is None or end < 0:
        return f"<a {piece}"
    words = html.unescape(_TAG.sub("", piece[match.end() : end][:5_000]))
    target = links.hidden_target(words, html.unescape(match[1]))
    shown = f" &lt;{html.escape(target)}&gt;" if target else ""
    return f"<a {piece[: end + 4]}{shown}{piece[end + 4 :]}"


@cache
def _cleaner() -> Any:
    # Imported late: most mail has a plain text beside it, and the child starts faster without.
    import nh3

    return nh3.Cleaner(
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if value.strip().lower().startswith("cid:") else _elsewhere(value)
    if attribute == "href" and value.strip().lower().startswith("cid:"):
        return None
    return value


def _elsewhere(value: str) -> str | None:
    """An address of the web, marked so that no browser loads it; without the spaces that browsers leave out."""
    address = value.strip().translate({9: None, 10: None, 13: None, 32: "%20"})
    fits_in = len(address) <= MAX_ADDRESS and address.isprintable()
    return _MARK + address if fits_in and _WEB.fullmatch(address) else None
