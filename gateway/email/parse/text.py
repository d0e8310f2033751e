"""The readable text of a mail's text parts: charset, format=flowed, HTML, invitations, winmail.dat.

The result has the text, the HTML that is safe to show, files found inside other parts, and defects. The parts are
chosen in gateway/email/mime/body.py; quotes are cut in desk/mail/reply_text.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import NamedTuple

from desk.mail.inbound_request import MAX_TEXT
from gateway.email.formats import calendar, tnef
from gateway.email.html import clean as html_clean
from gateway.email.html import text as html_text
from gateway.email.html.text import Line, Shape
from gateway.email.mime import charset
from gateway.email.mime.parts import Part
from gateway.email.parse import placeholder

MAX_PART = 4_000_000
"""Bytes of one text part that are decoded; the whole stays in the raw mail."""
MAX_PARTS = 100
MAX_LOOK = 20_000

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.I)
_PACKAGES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_NUMBER = re.compile(r"\d{1,4}")
_ENRICHED = re.compile(r"<(/?)([a-zA-Z-]{1,40})>")


class InnerFile(NamedTuple):
    """A file that stood inside another part; `media_type` is the sender's word, if there is one."""

    name: str
    data: bytes
    media_type: str = ""
    content_id: str = ""


@dataclass(slots=True)
class ParsedText:
    """The text of a mail and what else came to light while reading it. `seen` has the HTML that was read already."""

    text: str = ""
    html: str = ""
    files: list[InnerFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    seen: dict[int, tuple[str, list[Line], Shape]] = field(default_factory=dict)


def read(texts: Sequence[Part], htmls: Sequence[Part], others: Sequence[Part]) -> ParsedText:
    """The text and HTML of the chosen parts, with invitations and the content of winmail.dat."""
    found = ParsedText()
    pieces = [_text(part, found) for part in texts[:MAX_PARTS]]
    found.text = _together(pieces)
    html_parts = [part for part in htmls[:MAX_PARTS] if part.media_type == "text/html"]
    found.html = "\n".join(filter(None, (_html(part, found) for part in html_parts)))
    if html_parts and not any(part in html_parts for part in texts) and placeholder.may_be(found.text):
        words = _together([_text(part, found) for part in html_parts])
        found.text = words if placeholder.stands_for(found.text, words) else found.text
    _add_invitation(others, found)
    _add_package(others, found)
    return found


def _together(pieces: list[str]) -> str:
    if len(pieces) == 1:
        return pieces[0][:MAX_TEXT]
    return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())[:MAX_TEXT]


def _text(part: Part, found: ParsedText) -> str:
    if part.is_broken_base64() and (_is_prose(part) or _is_garbage(decoded(part, found))):
        return _undecodable(part, found)
    if part.media_type == "text/html":
        return html_text.to_text(_read_html(part, found)[1])
    source = with_lf(decoded(part, found))
    if part.media_type == "text/enriched":
        source = _ENRICHED.sub("", source)
    if part.params.get("format", "").lower() == "flowed":
        source = unflowed(source, delete_space=part.params.get("delsp", "").lower() == "yes")
    return source


def _undecodable(part: Part, found: ParsedText) -> str:
    """A part that is declared base64 and is none: shown as it is if it is prose, else kept as a file."""
    found.defects.append("text part cannot be decoded")
    source = part.raw[part.start : part.end]
    if _is_prose(part):
        return with_lf(charset.decode(source[:MAX_PART], part.params.get("charset", "")))
    found.files.append(InnerFile("undecodable.txt", source))
    return ""


def _is_prose(part: Part) -> bool:
    """Whether what should be base64 has several words on its first line."""
    return len(part.raw[part.start : part.end][:1_000].strip().split(b"\n", 1)[0].split()) > 2


def _is_garbage(text: str) -> bool:
    """Whether it is noise: many characters that nobody types."""
    shown = text[:2_000]
    odd = sum(1 for char in shown if char == "\ufffd" or not (char.isprintable() or char in "\t\r\n"))
    return odd * 8 > len(shown)


def _html(part: Part, found: ParsedText) -> str:
    source, _, shape = _read_html(part, found)
    if not html_clean.fits(source, shape):
        found.defects.append("HTML too large or too deep to show")
        return ""
    return html_clean.clean(source)


def _read_html(part: Part, found: ParsedText) -> tuple[str, list[Line], Shape]:
    if id(part) not in found.seen:
        source = decoded(part, found)
        found.seen[id(part)] = (source, *html_text.read(source))
    return found.seen[id(part)]


def decoded(part: Part, found: ParsedText) -> str:
    """The characters of a text part."""
    data = part.content()
    if len(data) > MAX_PART:
        found.defects.append("text part cut")
        data = data[:MAX_PART]
    declared = part.params.get("charset", "")
    if not declared and part.media_type == "text/html":
        match = _META_CHARSET.search(data[:4_096])
        declared = match[1].decode("ascii") if match else ""
    if declared and not charset.codec(declared):
        found.defects.append("unknown charset")
    return charset.decode(data, declared).replace("\x00", "")


def with_lf(text: str) -> str:
    """The text with only LF at the ends of lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def unflowed(text: str, *, delete_space: bool) -> str:
    """RFC 3676: lines that end with a space go on in the next one of the same quote depth."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        line_depth = len(line) - len(line.lstrip(">"))
        words = line[line_depth + line.startswith(" ", line_depth) :]
        if paragraph and (line_depth != depth or words == "-- "):
            out.append(_quoted(depth, paragraph))
            paragraph = []
        depth = line_depth
        flows = words.endswith(" ") and words != "-- "
        paragraph.append(words[:-1] if flows and delete_space else words)
        if not flows:
            out.append(_quoted(depth, paragraph))
            paragraph = []
    if paragraph:
        out.append(_quoted(depth, paragraph))
    return "\n".join(out)


def _quoted(depth: int, pieces: list[str]) -> str:
    return ">" * depth + " " * (depth > 0) + "".join(pieces)


def _add_invitation(parts: Sequence[Part], found: ParsedText) -> None:
    """Adds the text of an invitation, unless the mail says it already."""
    for part in parts:
        if part.media_type != "text/calendar":
            continue
        declared, content = part.params.get("charset", ""), part.content()
        words = calendar.in_words(content, declared, part.params.get("method", ""))
        if words and not _says(found.text, calendar.start(content, declared)):
            found.text = _together([found.text, words])
        return


def _says(text: str, start: tuple[date, time | None] | None) -> bool:
    """Whether a text names the day and the hour at which an event begins."""
    if start is None or not text.strip():
        return False
    day, clock = start
    numbers = set(_NUMBER.findall(text[:MAX_LOOK]))
    if clock is None:
        return str(day.day) in numbers
    hours = {f"{clock.hour}", f"{clock.hour:02}", f"{(clock.hour - 1) % 12 + 1}"}
    return bool({str(day.day), f"{day.day:02}"} & numbers) and bool(hours & numbers)


def _add_package(parts: Sequence[Part], found: ParsedText) -> None:
    """Adds the files of a winmail.dat, and its text where there is no other."""
    for part in parts:
        if not (part.media_type in _PACKAGES or part.params.get("name", "").lower() == "winmail.dat"):
            continue
        package = tnef.read(part.content())
        if package.files:
            found.defects.append(f"winmail.dat holds {package}"[:500])
        found.files += [
            InnerFile(one.name, one.data, one.media_type, one.content_id) for one in package.files if one.data
        ]
        if not found.text.strip():
            found.text = with_lf(package.text.strip() or _html_words(package.html))[:MAX_TEXT]
        return


def _html_words(source: bytes) -> str:
    return html_text.to_text(html_text.read(charset.decode(source[:MAX_PART], ""))[0]) if source else ""
