"""The HTML part of an outbound mail, made from the same plain text.

Gmail, Outlook and Apple Mail show it as they show a person's mail: their own fonts, light and dark, the quote folded.
Every character of the text is escaped; the only tags are ours, the only links those that the text spells out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

_LINK = re.compile(r"https?://[^\s<>\"\u2028\u2029]{1,2000}", re.I)
_AFTER_LINK = ".,;:!?'*_»”’"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_PICTURE = re.compile(r"\[(?:cid|image): ?([^\[\]\n]{1,200})\]")
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)*")
_SPACES = re.compile(r"(?:^ |(?<= ) )", re.M)

# No colour of text or ground is set, so that the dark mode of every program works; the grey of the rule suits both.
_HEAD = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    "</head><body>"
)
_BODY = '<div style="font-family:system-ui,Segoe UI,Roboto,Arial,sans-serif;font-size:15px;line-height:1.5">'
_PARAGRAPH = '<p dir="auto" style="margin:0 0 1em">'
_IMAGE = '<img src="cid:{}" alt="{}" style="max-width:100%;height:auto">'
# Gmail folds its own class, Apple Mail and Thunderbird type=cite, Outlook shows the rule.
_QUOTE = '<div class="gmail_quote"><div dir="auto" class="gmail_attr">{}<br></div>'
_BLOCKQUOTE = (
    '<blockquote class="gmail_quote" type="cite" '
    'style="margin:0 0 0 .8ex;border-left:2px solid #8a93a3;padding-left:1ex">{}</blockquote></div>'
)


def page(reply: str, signature: str, attribution: str, quoted: str, pictures: Mapping[str, str]) -> str:
    """The page. `pictures` are the Content-IDs by file name; those that no line names stand below the reply."""
    left = dict(pictures)
    body = [_paragraphs(reply, left)]
    body += [f"{_PARAGRAPH}{_image(name, cid)}</p>\n" for name, cid in left.items()]
    body.append(_paragraphs(signature, {}))
    if quoted:
        body += [_QUOTE.format(_line(attribution)), _BLOCKQUOTE.format(_paragraphs(quoted, {}))]
    return f"{_HEAD}{_BODY}{''.join(body)}</div></body></html>\n"


def _paragraphs(text: str, pictures: dict[str, str]) -> str:
    """Each paragraph finds its own direction; what is aligned by spaces stays aligned."""
    parts = (part.strip("\n") for part in _BLANK_LINES.split(text))
    return "".join(f"{_PARAGRAPH}{_lines(part, pictures)}</p>\n" for part in parts if part.strip())


def _lines(paragraph: str, pictures: dict[str, str]) -> str:
    return "<br>\n".join(_with_pictures(line, pictures) for line in paragraph.split("\n"))


def _with_pictures(line: str, pictures: dict[str, str]) -> str:
    """A line in which `[image: name]` becomes the picture, at its first place."""
    out, end = "", 0
    for match in _PICTURE.finditer(line):
        name = match[1].strip()
        if name in pictures:
            out += _line(line[end : match.start()]) + _image(name, pictures.pop(name))
            end = match.end()
    return out + _line(line[end:])


def _image(name: str, cid: str) -> str:
    return _IMAGE.format(escape(cid), escape(name))


def _line(text: str) -> str:
    out, end = "", 0
    for match in _LINK.finditer(text):
        target = _target(match[0])
        out += _escaped(text[end : match.start()])
        out += f'<a href="{escape(target)}">{escape(target)}</a>'
        end = match.start() + len(target)
    return out + _escaped(text[end:])


def _target(link: str) -> str:
    """A web address without the punctuation of the sentence around it."""
    while link[-1] in _AFTER_LINK or (link[-1] in _BRACKETS and link.count(_BRACKETS[link[-1]]) < link.count(link[-1])):
        link = link[:-1]
    return link


def _escaped(text: str) -> str:
    return escape(_SPACES.sub("\N{NO-BREAK SPACE}", text.replace("\t", "    "))).replace("\N{NO-BREAK SPACE}", "&nbsp;")
