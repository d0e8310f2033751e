"""Words that were said on the ticket before and come back in an answer: a quote, whatever the mail program's language.

It takes what was taken for new in an answer, the texts that were sent before on its ticket, our own addresses, and
returns the new words, and the echo below them with the lines that introduce it. It looks only at what stands below
the new words: who answers between quoted lines keeps them, and where nothing would be left, nothing is cut.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from desk.mail.inbound_request import Cut

MIN_STRONG = 12
"""Shorter lines ("Hello,") are written by everybody; they belong to an echo, but prove none."""
MIN_PIECE = 24
"""A line of this length is also known as a piece of a longer one: mail programs break lines anew."""
MAX_LINES = 2_000
MAX_EARLIER = 60_000
MOST_INTRODUCTION = 10
SHARE = 0.8
"""Of the lines of an echo, at least so many were said before; the others are what a mail program put between."""

_MARKS = "> \t\u00a0\u200b\u200e\u200f\u202a\u202b\u202c\ufeff"
_TOKEN = re.compile(r"\+[^@\s]{1,100}(?=@)")
_LABEL = re.compile(r"[*\s]{0,4}[^\s:：][^:：\n]{0,30}[:：](?:\s|$)")
_CLOCK = re.compile(r"\d{1,2}\s?[:.時时h시]\s?\d{2}")


def without_known_quotes(
    reply: str, cut: Sequence[Cut], ours: Sequence[str], theirs: Sequence[str], addresses: Collection[str]
) -> tuple[str, tuple[Cut, ...]]:
    """The reply without its echo, and the cuts with it. `ours` was sent to the requester, `theirs` came from there."""
    lines = reply.split("\n")
    if len(lines) > MAX_LINES:
        return reply, tuple(cut)
    own = _Said(ours)
    start = _start([_bare(line) for line in lines], own, _Said(theirs))
    if start == len(lines) and not _quotes_us(cut, own):
        return reply, tuple(cut)
    start = _introduction(lines, start, addresses)
    new = "\n".join(lines[:start]).rstrip()
    if not new.strip() or start == len(lines):
        return reply, tuple(cut)
    return new, (Cut("quote", "\n".join(lines[start:]).strip("\n")), *cut)


def _start(lines: list[str], own: _Said, other: _Said) -> int:
    """Where the echo begins that goes to the end; the number of lines where there is none. The lines are bare."""
    known = [own.has(line) or other.has(line) for line in lines]
    found, said, total, strong, from_us = len(lines), 0, 0, 0, 0
    for index in range(len(lines) - 1, -1, -1):
        if not lines[index]:
            continue
        total += 1
        said += known[index]
        if known[index] and len(lines[index]) >= MIN_STRONG:
            strong += 1
            from_us += own.has(lines[index])
            # People repeat a sentence of their own; two of them, or one of ours, is no accident.
            if said >= SHARE * total and (from_us or strong > 1):
                found = index
    return _with_short_lines(known, lines, found)


def _with_short_lines(known: list[bool], lines: list[str], start: int) -> int:
    """The echo's first lines are often short ("Hello Bob,")."""
    while start < len(lines) and start and (known[start - 1] or not lines[start - 1]):
        start -= 1
    return start


class _Said:
    """Texts that were sent before, to look lines up in."""

    def __init__(self, texts: Iterable[str]) -> None:
        text = "\n".join(texts)[:MAX_EARLIER]
        self.lines = {_bare(line) for line in text.split("\n")} - {""}
        self.whole = _bare(text.replace("\n", " "))

    def has(self, bare: str) -> bool:
        return bare in self.lines or (len(bare) >= MIN_PIECE and bare in self.whole)


def _bare(line: str) -> str:
    return " ".join(line.split()).lstrip(_MARKS).casefold()


def _quotes_us(cut: Sequence[Cut], own: _Said) -> bool:
    """Whether a quote was cut already whose introduction may have been left."""
    quotes = (part.text.split("\n", 200)[:200] for part in cut if part.reason == "quote")
    return any(own.has(_bare(line)) for lines in quotes for line in lines)


def _introduction(lines: list[str], start: int, addresses: Collection[str]) -> int:
    """The first of the lines right above an echo that introduce it: from the one that names our address."""
    end = start
    while end and not lines[end - 1].strip():
        end -= 1
    top = end
    while top and end - top < MOST_INTRODUCTION and lines[top - 1].strip():
        top -= 1
    first = next((at for at in range(top, end) if _names_us(lines[at], addresses)), end)
    if first == end or not all(_introduces(line, addresses) for line in lines[first:end]):
        return start
    if first > top and not _LABEL.match(lines[first]) and _CLOCK.search(lines[first - 1]):
        # A long "On <date>, <name>" was broken before the address.
        first -= 1
    while first and (_is_rule(lines[first - 1]) or not lines[first - 1].strip()):
        first -= 1
    return first


def _introduces(line: str, addresses: Collection[str]) -> bool:
    return _names_us(line, addresses) or _LABEL.match(line) is not None or line.rstrip(_MARKS).endswith((":", "："))


def _names_us(line: str, addresses: Collection[str]) -> bool:
    plain = _TOKEN.sub("", line.casefold()) if "@" in line else ""
    return bool(plain) and any(address in plain for address in addresses)


def _is_rule(line: str) -> bool:
    return not line.strip().strip("-_=—–*> ")
