"""Converts HTML to readable text in one linear pass, with quoted parts behind "> ".

What the original mail program marked as a quote (gmail_quote, blockquote, OLK_SRC_BODY_SECTION, yahoo_quoted, ...) or
what follows its reply mark (divRplyFwdMsg, stopSpelling, ...) is prefixed, so that the rules for plain text can cut it.
The HTML may be broken in any way. It does not clean HTML for showing and knows no language.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from desk.mail.reply_lines.shape import ends_in_colon, is_shaped
from gateway.email.html import links
from gateway.email.html import marks as html_marks

MAX_CHARACTERS = 1_500_000
MAX_TAG = 20_000

_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:]{0,30})")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_SKIPPED = frozenset({"style", "script", "head", "title", "template", "svg", "object", "select", "textarea"})
_BLOCK = frozenset(
    {"p", "div", "tr", "li", "ul", "ol", "dl", "dt", "dd", "table", "blockquote", "hr", "pre", "h1", "h2", "h3", "h4",
     "h5", "h6", "section", "article", "header", "footer", "center", "address", "form", "fieldset", "body", "html",
     "main", "nav", "aside", "figure", "caption", "tbody"}
)  # fmt: skip
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre"})
_VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "base", "col", "area", "wbr", "source", "embed", "param", "o:p"}
)
_SELF_CLOSING = frozenset({"p", "li", "td", "tr", "th", "dd", "dt", "option", "tbody", "thead"})


_TRACKER = "\u1427"
"""The white letter that Streak and others hang under a mail beside their counting picture."""


@dataclass(slots=True)
class Line:
    """One line of text, how deep it is quoted, and which gmail container it stands in (0 for none)."""

    text: str
    depth: int
    container: int = 0


@dataclass(slots=True)
class Shape:
    """What is known of the HTML after reading it; the sanitiser's caps rest on it."""

    tags: int = 0
    deepest: int = 0
    longest_tag: int = 0


@dataclass(slots=True)
class _Reader:
    lines: list[Line] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    shape: Shape = field(default_factory=Shape)
    open_tags: dict[str, int] = field(default_factory=dict)
    containers: list[tuple[str, int, str, int]] = field(default_factory=list)
    depth: int = 0
    nested: int = 0
    pre: int = 0
    unclosed: set[str] = field(default_factory=set)
    gmail: int = 0
    gmail_count: int = 0
    target: str = ""
    label: list[str] = field(default_factory=list)

    def add_text(self, text: str) -> None:
        if self.target and len(self.label) < 20:
            self.label.append(text[:500])
        if self.pre:
            first, *rest = html.unescape(text).split("\n")
            self.words.append(first)
            for line in rest:
                self.end_line()
                self.words.append(line)
        else:
            self.words.append(_SPACES.sub(" ", html.unescape(text) if "&" in text else text))

    def end_line(self, *, blank: bool = False) -> None:
        """Finish the line if anything is on it; with `blank`, leave at least one empty line after it."""
        text = "".join(self.words)
        self.words.clear()
        text = text.rstrip() if self.pre else _SPACES.sub(" ", text).strip(" ")
        if text and text != _TRACKER:
            self.lines.append(Line(text, self.depth, self.gmail))
        if blank and self.lines and self.lines[-1].text:
            self.lines.append(Line("", self.depth, self.gmail))

    def break_line(self) -> None:
        if "".join(self.words).strip(" "):
            self.end_line()
        else:
            self.words.clear()
            self.lines.append(Line("", self.depth, self.gmail))

    def open(self, tag: str, source: str) -> None:
        if tag in _BLOCK:
            self.end_line(blank=tag in _SPACED)
        elif tag in ("td", "th"):
            self.words.append(" ")
        if tag == "br":
            self.break_line()
        elif tag == "li":
            self.words.append("- ")
        elif tag == "img" and "alt" in source:
            self.words.append(html_marks.emoji(source))
        elif tag == "a":
            self._end_link()
            self.target = html_marks.href(source) if "href" in source.lower() else ""
        if tag not in _VOID:
            self._count(tag)
        if "=" in source or tag == "blockquote":
            self._mark(tag, source)

    def _count(self, tag: str) -> None:
        self.open_tags[tag] = self.open_tags.get(tag, 0) + 1
        self.pre += tag == "pre"
        if tag not in _SELF_CLOSING:
            self.nested += 1
            self.shape.deepest = max(self.shape.deepest, self.nested)

    def _mark(self, tag: str, source: str) -> None:
        kind = html_marks.kind(tag, source)
        if not kind or (tag == "blockquote" and _is_own_quote(self, source)):
            return
        if kind == "bar":
            self.end_line()
            if not _is_announced(self):
                return
            kind = "quote"
        if kind == "cut":
            self.end_line()
            self.depth += 1
            return
        if kind == "signature":
            self._sign()
            return
        self.containers.append((tag, self.open_tags.get(tag, 0), kind, self.gmail))
        if kind == "quote":
            self.depth += 1
        elif not self.gmail:
            self.gmail_count += 1
            self.gmail = self.gmail_count

    def _sign(self) -> None:
        self.end_line()
        last = next((line.text for line in reversed(self.lines[-3:]) if line.text), "")
        if not self.depth and last not in ("--", "-- "):
            self.lines.append(Line("-- ", self.depth, self.gmail))

    def _end_link(self) -> None:
        """A link whose words name another host than the one it goes to is followed by its target."""
        if self.target:
            shown = links.hidden_target(html.unescape("".join(self.label)), self.target)
            self.words.append(f" <{shown}>" if shown else "")
        self.target = ""
        self.label.clear()

    def close(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        if tag in _BLOCK:
            self.end_line(blank=tag in _SPACED)
        count = self.open_tags.get(tag, 0)
        if not count:
            return
        self.open_tags[tag] = count - 1
        self.pre -= tag == "pre"
        self.nested -= tag not in _SELF_CLOSING
        if self.containers and self.containers[-1][0] == tag and count <= self.containers[-1][1]:
            self.end_line()
            _, _, kind, gmail = self.containers.pop()
            self.gmail = gmail
            self.depth -= kind == "quote"


def _is_own_quote(reader: _Reader, source: str) -> bool:
    """Gmail's button for a quotation makes a blockquote.gmail_quote of its own, with no attribution above it."""
    if reader.gmail or reader.containers or not html_marks.is_gmail(source):
        return False
    return bool(reader.lines) and not _ends_in_colon(reader)


def _ends_in_colon(reader: _Reader) -> bool:
    return ends_in_colon(next((line.text for line in reversed(reader.lines[-4:]) if line.text), ":"))


def _is_announced(reader: _Reader) -> bool:
    """Whether the last line announces what follows, as attributions do."""
    last = next((line.text for line in reversed(reader.lines[-4:]) if line.text), "")
    return bool(last) and (ends_in_colon(last) or is_shaped(last, quoted=True))


def read(source: str) -> tuple[list[Line], Shape]:
    """The lines of an HTML text and its shape."""
    reader = _Reader()
    source = source[:MAX_CHARACTERS].replace("\x00", "")
    at, size = 0, len(source)
    while at < size:
        left = source.find("<", at)
        if left < 0:
            left = size
        if left > at:
            reader.add_text(source[at:left])
        if left == size:
            break
        at = _tag(reader, source, left)
    reader.end_line()
    return reader.lines, reader.shape


def _tag(reader: _Reader, source: str, left: int) -> int:
    """Read what begins at "<"; the place after it."""
    if source.startswith("<!--", left):
        return _after(source, "-->", left + 4)
    if source.startswith(("<!", "<?"), left):
        return _after(source, ">", left)
    match = _NAME.match(source, left + 1)
    if match is None:
        reader.words.append("<")
        return left + 1
    right = _tag_end(source, match.end())
    if right < 0:
        return len(source)
    tag = match[1].lower()
    inside = source[match.end() : right]
    reader.shape.tags += 1
    reader.shape.longest_tag = max(reader.shape.longest_tag, right - left)
    if source[left + 1] == "/":
        reader.close(tag)
        return right + 1
    if tag in _SKIPPED:
        return _after_skipped(reader, source, tag, right + 1)
    reader.open(tag, inside if len(inside) <= MAX_TAG else "")
    return right + 1


def _after_skipped(reader: _Reader, source: str, tag: str, at: int) -> int:
    """The place after the content of a style, script or the like; one that never closes is searched only once."""
    if tag in reader.unclosed:
        return at
    match = re.compile("</" + tag, re.I).search(source, at)
    if match is None:
        reader.unclosed.add(tag)
        return at
    return _after(source, ">", match.end())


def _after(source: str, mark: str, at: int) -> int:
    end = source.find(mark, at)
    return len(source) if end < 0 else end + len(mark)


def _tag_end(source: str, at: int) -> int:
    """The ">" that ends a tag: one inside quotation marks does not, unless they never close nearby."""
    right = first = source.find(">", at)
    for _ in range(5):
        if right < 0 or right - at > MAX_TAG:
            return first
        inside = source[at:right]
        if inside.count('"') % 2 == 0:
            return right
        right = source.find(">", right + 1)
    return first


def to_text(lines: list[Line]) -> str:
    """The lines as text, quoted ones behind "> "; where all is quoted, nothing is prefixed."""
    depths = _depths(lines)
    if not any(line.text and not depth for line, depth in zip(lines, depths, strict=True)):
        depths = [0] * len(lines)
    out: list[str] = []
    for line, depth in zip(lines, depths, strict=True):
        prefix = "> " * min(depth, 20)
        text = prefix + line.text if line.text else prefix.rstrip()
        if line.text or not (out and out[-1] == text):
            out.append(text)
    return "\n".join(out).strip("\n")


def _depths(lines: list[Line]) -> list[int]:
    """A gmail_quote without a blockquote in it is a quote as a whole; with one, only the blockquote is."""
    quoted = {line.container for line in lines if line.container and line.depth and line.text}
    quoted |= _passed_on(lines)
    return [line.depth + (line.container > 0 and line.container not in quoted) for line in lines]


def _passed_on(lines: list[Line]) -> set[int]:
    """Containers that begin with a line in dashes ("---------- Forwarded message ---------") are no quotes."""
    first: dict[int, str] = {}
    for line in lines:
        if line.container and line.text:
            first.setdefault(line.container, line.text)
    return {container for container, text in first.items() if text.startswith("-----") and text.endswith("-----")}
