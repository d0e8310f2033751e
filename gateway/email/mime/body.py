"""Chooses which parts of a mail are its text and which are files (after RFC 8621 section 4.1.4).

In the order of the mail: text parts that a mail program would show, HTML parts that it would show, and everything else,
which is a file. An attached mail is a file; its parts are not looked at. It decodes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.email.mime.parts import Part

_MEDIA = frozenset({"image", "audio", "video"})


@dataclass(slots=True)
class Body:
    """The chosen parts of one mail."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


def choose(root: Part) -> Body:
    """The parts of a mail by what they are for."""
    body = Body()
    _choose([root], "mixed", body, in_text=True, in_html=True, alternative=False)
    return body


def _choose(parts: list[Part], around: str, body: Body, *, in_text: bool, in_html: bool, alternative: bool) -> None:
    """`in_text` and `in_html` say whether what comes is shown as text, as HTML or as both.

    Inside alternatives a branch serves only as the kind of text that it has.
    """
    alternative = alternative or around == "alternative"
    texts, htmls = len(body.text), len(body.html)
    for index, part in enumerate(parts):
        if part.children:
            inner = part.media_type.partition("/")[2]
            _choose(part.children, inner, body, in_text=in_text, in_html=in_html, alternative=alternative)
        elif not _is_shown(part, around, first=index == 0):
            body.files.append(part)
        elif around == "alternative":
            _choose_alternative(part, body, in_text=in_text, in_html=in_html)
        else:
            in_html = in_html and not (alternative and part.media_type == "text/plain")
            in_text = in_text and not (alternative and part.media_type == "text/html")
            _show(part, body, in_text=in_text, in_html=in_html)
    if around == "alternative":
        _fill(body, texts, htmls, in_text=in_text, in_html=in_html)


def _is_shown(part: Part, around: str, *, first: bool) -> bool:
    disposition, params = part.disposition()
    media = part.main in _MEDIA
    if disposition == "attachment" or not (part.media_type in ("text/plain", "text/html", "text/enriched") or media):
        return False
    if first:
        return True
    if around == "related":
        return False
    return media or not (params.get("filename") or part.params.get("name"))


def _choose_alternative(part: Part, body: Body, *, in_text: bool, in_html: bool) -> None:
    if part.media_type == "text/plain" and in_text:
        body.text.append(part)
    elif part.media_type == "text/html" and in_html:
        body.html.append(part)
    elif part.media_type not in ("text/plain", "text/html"):
        body.files.append(part)


def _show(part: Part, body: Body, *, in_text: bool, in_html: bool) -> None:
    if part.main in _MEDIA:
        body.files.append(part)
        return
    if in_text:
        body.text.append(part)
    if in_html:
        body.html.append(part)


def _fill(body: Body, texts: int, htmls: int, *, in_text: bool, in_html: bool) -> None:
    """Alternatives with only one kind of text serve as the other kind too."""
    if in_text and len(body.text) == texts:
        body.text.extend(body.html[htmls:])
    elif in_html and len(body.html) == htmls:
        body.html.extend(body.text[texts:])
