"""Slack's markup as plain text: `<@U1|ann>` is @ann, `<https://x|here>` is here (https://x), `&lt;` is <.

A mention without a name stays an id.
"""

from __future__ import annotations

import re

# No repetition inside a repetition, and neither part may hold an angle bracket: the search stays linear.
_MARK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


_LABELLED = re.compile(r"<@([A-Z0-9]{1,64})\|[^<>]*>")


def without_labels(text: str) -> str:
    """Mentions by their ids alone: whoever is meant is meant by the account, and not by what it is called."""
    return _LABELLED.sub(r"<@\1>", text)


def plain_text(text: str, bot_user: str = "") -> str:
    """The words of a message; a mention of the bot itself is left out."""
    words = _MARK.sub(lambda match: _spoken(match[1], match[2] or "", bot_user), text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _spoken(target: str, label: str, bot_user: str) -> str:
    sign, rest = target[:1], target[1:]
    if sign == "@":
        return "" if rest == bot_user else f"@{label or rest}"
    if sign == "#":
        return f"#{label or rest}"
    if sign == "!":
        return label or f"@{rest.partition('^')[0]}"
    return _link(target, label)


def _link(url: str, label: str) -> str:
    shown = url.removeprefix("mailto:").removeprefix("tel:")
    return shown if label in ("", url, shown) else f"{label} ({shown})"
