"""Recognises the header lines of an embedded mail ("From: … Sent: … To: …"), by known labels or by shape alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from desk.mail.reply_lines.shape import INVISIBLE, has_moment, is_bracketed
from desk.text import mail_words

MOST_LINES = 24
LEAST_UNKNOWN = 3
"""So many lines with labels that no table has are needed, with an address in brackets and a moment among them."""

_FORM_FIELD = re.compile(r"[^\W\d_][\w /-]{1,24}: ?\S")
_PASTED = frozenset(
    "author authordate commit commitdate merge signed-off-by reviewed-by received return-path message-id".split()  # noqa: SIM905
)
"""Labels of a version control's log and of a whole mail's head, which people paste."""
_INNER = re.compile(r"(?<![\s\d])\s?[:：]\s")
_INNER_LABEL = re.compile(r"\s([^\W\d_]{2,20}): ")
_LABEL = re.compile(r"[ \t*_>|]{0,6}([^\s:：*_][^:：\n]{0,28}?)[ \t\u00a0*_]{0,4}[:：][ \t\u00a0*_]{0,4}(.{0,400})")


def block_end(lines: Sequence[str], start: int) -> int:
    """The end of a header block that begins here, or `start` where there is none."""
    kinds: set[str] = set()
    values, index, last, gap = "", start, start, 0
    while index < len(lines) and index < start + MOST_LINES and gap < 3:
        label = header_label(lines[index])
        if label:
            kinds |= {label[0], *_labels_inside(label[1])}
            values += " " + label[1]
            last, gap = index, 0
        elif index == start:
            return _unknown_end(lines, start)
        else:
            gap += 1
        index += 1
    named = kinds - {"other"}
    strong = "@" in values or "subject" in named or {"from", "sent", "to"} <= named
    is_block = len(named) >= 2 and strong and bool(named & {"from", "sent", "date"})
    if is_block:
        return start if _is_form(lines, start, last) else last + 1
    return _unknown_end(lines, start)


def header_label(line: str) -> tuple[str, str] | None:
    """The kind of a header line of an embedded mail and its value, or None."""
    match = _LABEL.match(line) if ":" in line or "：" in line else None
    if match is None:
        return None
    kind = _labels().get(match[1].strip(INVISIBLE).casefold())
    return (kind, match[2].strip(" *_\u00a0")) if kind else None


def is_apples(lines: Sequence[str], start: int) -> bool:
    """Whether a block has the order of Apple's Mail above what it forwards: the subject right after the author."""
    labels = [header_label(line) for line in lines[start : start + 2]]
    if len(labels) < 2:
        return False
    first, second = labels
    return (first is None and second is None) or (
        first is not None and second is not None and first[0] == "from" and second[0] == "subject"
    )


def _unknown_end(lines: Sequence[str], start: int) -> int:
    """The end of a block whose labels no table has: short labels in a row, an address in brackets, a moment."""
    if len(_INNER.findall(lines[start])) >= LEAST_UNKNOWN and is_bracketed(lines[start]) and has_moment(lines[start]):
        return start + 1
    values: list[str] = []
    for line in lines[start : start + MOST_LINES]:
        match = _LABEL.match(line)
        if match is None or not match[2] or match[1].count(" ") > 2:
            break
        if match[1].casefold() in _PASTED or match[1][:2] == "X-":
            return start
        values.append(match[2])
    if len(values) < LEAST_UNKNOWN or not any(map(is_bracketed, values)) or not any(map(has_moment, values)):
        return start
    return start + len(values)


def _is_form(lines: Sequence[str], first: int, last: int) -> bool:
    """Whether the block goes on with labels that no mail has ("Phone: …"): somebody filled in a form."""
    around = (lines[first - 1] if first else "", lines[last + 1] if last + 1 < len(lines) else "")
    return any(_FORM_FIELD.match(line) and header_label(line) is None for line in around)


def _labels_inside(value: str) -> set[str]:
    """The kinds of labels on the same line, where HTML had them in a row ("From: a@example.com Date: …")."""
    if ": " not in value:
        return set()
    return {kind for word in _INNER_LABEL.findall(value) if (kind := _labels().get(word.casefold()))}


@cache
def _labels() -> dict[str, str]:
    return {text: kind for _, kind, text in reversed(mail_words.rows("header_labels"))}
