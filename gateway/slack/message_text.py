"""The text of a Slack message: its own, and that of its blocks, attachments and shared messages, in Slack's markup.

The preview of a web page under a link is left out. Nothing is fetched, and everything is capped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.slack.payload import Payload

MOST_LETTERS = 40_000
MOST_PARTS = 100
MOST_DEPTH = 8
_MARKUP = re.compile(r"<[@#!]?([^<>|]*)(?:\|([^<>]*))?>|[*_~`\s]|&(?:amp|lt|gt);")


def own_text(message: Payload) -> str:
    """The author's own text: the text, or the blocks where there is none."""
    text = _text(message, "text")
    return text if text.strip() else "\n".join(_of_blocks(message.get("blocks")))[:MOST_LETTERS]


def further_text(message: Payload) -> str:
    """What stands in blocks and is not in the text, then attachments and shared messages with who wrote them."""
    seen = _bare(own_text(message))
    lines = [line for line in _of_blocks(message.get("blocks")) if line.strip() and _bare(line) not in seen]
    parts = ["\n".join(lines), *(_attachment(one, seen, 0) for one in _mappings(message, "attachments"))]
    return "\n\n".join(part for part in parts if part.strip())[:MOST_LETTERS]


def whole_text(message: Payload) -> str:
    """Both, the author's own first."""
    return "\n\n".join(part for part in (own_text(message), further_text(message)) if part)


def shared_files(message: Payload) -> list[Payload]:
    """The files of messages that were shared with it."""
    return [file for one in _mappings(message, "attachments") for file in _mappings(one, "files")]


def _attachment(one: Payload, seen: str, depth: int) -> str:
    """One attachment; a shared message begins with its author and place."""
    shared = bool(one.get("is_share") or one.get("is_msg_unfurl"))
    if not shared and (one.get("from_url") or one.get("original_url")):
        return ""
    words = [_text(one, name) for name in ("pretext", "title", "text")]
    words += [" ".join(filter(None, (_text(f, "title"), _text(f, "value")))) for f in _mappings(one, "fields")]
    blocks = [*_of_blocks(one.get("blocks"), depth), *_of_message_blocks(one, depth)]
    said = _bare("\n".join(words))
    words += [line for line in blocks if _bare(line) not in said]
    words += [_attachment(inner, seen, depth + 1) for inner in _mappings(one, "attachments") if depth < MOST_DEPTH]
    words = [word for word in words if word.strip() and (shared or _bare(word) not in seen)]
    if not words and _text(one, "fallback") and _bare(_text(one, "fallback")) not in seen:
        words = [_text(one, "fallback")]
    return "\n".join([*([_origin(one)] if shared and words else []), *words, *filter(None, [_text(one, "footer")])])


def _origin(one: Payload) -> str:
    who = _text(one, "author_name") or _text(one, "author_subname") or "somebody"
    where = _text(one, "channel_name")
    return f"Shared message of {_escaped(who)}{f' in #{_escaped(where)}' if where else ''}:"


def _of_message_blocks(one: Payload, depth: int) -> Iterator[str]:
    for part in _mappings(one, "message_blocks"):
        message = part.get("message")
        if isinstance(message, Mapping):
            yield from _of_blocks(message.get("blocks"), depth + 1)


def _of_blocks(blocks: Any, depth: int = 0) -> list[str]:
    """The lines of blocks, in their order."""
    listed = blocks if isinstance(blocks, list) and depth <= MOST_DEPTH else []
    return [line for one in listed[:MOST_PARTS] if isinstance(one, Mapping) for line in _of_block(one)]


def _of_block(block: Payload) -> Iterator[str]:
    kind = block.get("type")
    if kind == "rich_text":
        yield from _rich(_mappings(block, "elements"), 0)
    elif kind in ("section", "header"):
        yield from _texts([block.get("text"), *_listed(block, "fields")])
    elif kind == "context":
        line = " ".join(_texts(_listed(block, "elements")))
        yield from [line] if line else []
    elif kind in ("image", "video"):
        yield from _texts([block.get("title"), block.get("description")])
        yield from filter(None, [_escaped(_text(block, "alt_text"))])
    elif kind == "markdown":
        yield _escaped(_text(block, "text"))


def _texts(parts: Sequence[Any]) -> Iterator[str]:
    """Text objects: `mrkdwn` is markup already, `plain_text` is not."""
    for part in parts:
        if isinstance(part, Mapping) and (words := _text(part, "text") or _text(part, "alt_text")):
            yield words if part.get("type") == "mrkdwn" else _escaped(words)


def _rich(elements: Sequence[Payload], depth: int) -> Iterator[str]:
    """Sections are lines, items of a list begin with a bullet, quotes with a sign."""
    for one in elements:
        inner = _mappings(one, "elements")
        if one.get("type") == "rich_text_list" and depth <= MOST_DEPTH:
            yield from (f"• {line}" for line in _rich(inner, depth + 1))
        else:
            before = "> " if one.get("type") == "rich_text_quote" else ""
            yield from (f"{before}{line}" for line in "".join(map(_inline, inner)).splitlines())


def _inline(one: Payload) -> str:
    kind, text = one.get("type"), _text(one, "text")
    if kind == "text":
        return _escaped(text)
    if kind == "link":
        url = _text(one, "url").replace("|", "%7C")
        return f"<{_escaped(url)}|{_escaped(text)}>" if text else f"<{_escaped(url)}>"
    named = {"user": ("@", "user_id"), "channel": ("#", "channel_id"), "usergroup": ("!subteam^", "usergroup_id")}
    if kind in named:
        sign, key = named[kind]
        return f"<{sign}{_escaped(_text(one, key))}>"
    if kind == "broadcast":
        return f"<!{_escaped(_text(one, 'range'))}>"
    return f":{_text(one, 'name')}:" if kind == "emoji" else _escaped(_text(one, "fallback") or _text(one, "value"))


def _bare(words: str) -> str:
    """The characters without markup, to compare texts."""
    return _MARKUP.sub(lambda match: (match[2] or match[1] or "").replace(" ", ""), words).casefold()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mappings(data: Payload, key: str) -> list[Payload]:
    return [one for one in _listed(data, key) if isinstance(one, Mapping)]


def _listed(data: Payload, key: str) -> list[Any]:
    value = data.get(key)
    return value[:MOST_PARTS] if isinstance(value, list) else []


def _text(data: Payload, key: str) -> str:
    value = data.get(key)
    return value[:MOST_LETTERS] if isinstance(value, str) else ""
