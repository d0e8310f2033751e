"""What people wrote, made harmless for Slack: no word of theirs rings a channel, mentions somebody or disguises a link.

It takes text, and returns text that Slack shows as it was written. How Slack's own markup is read:
`gateway/slack/mrkdwn.py`.
"""

from __future__ import annotations


def escaped(text: str) -> str:
    """These three letters begin everything that has an effect."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str) -> str:
    """A name or a subject: one line, escaped, without the letters that switch bold, italic, strike and code."""
    plain = "".join(" " if not c.isprintable() or c in "*_~`" else c for c in text)
    return escaped(" ".join(plain.split()))


def cut(text: str, most: int, note: str) -> str:
    """Escaped text of at most so many letters; where it was cut the note says so, and no escape is cut through."""
    if len(text) <= most:
        return text
    kept = text[: most - len(note)]
    start = kept.rfind("&", len(kept) - 5)
    whole = kept if start < 0 or ";" in kept[start:] else kept[:start]
    return whole + note
