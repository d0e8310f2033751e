"""Repairs the letters of quotes that a mail program broke: lines without their mark, and marks that are none.

It gets lines and their letters (desk/mail/line_kinds.py) and changes the letters in place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from desk.mail.attribution import is_attribution
from desk.mail.reply_lines.shape import COLONS, ends_in_colon

EMPTY, TEXT, QUOTE, ATTRIBUTION, SENT_FROM = "e", "t", "q", "a", "m"
MAX_LOOK = 1_000
BARS = frozenset("|»›│┃")
"""Marks before the lines of a quote that are no `>`."""
LEAST_WIDTH = 40
"""No program wraps at fewer characters."""

_NAMED_QUOTE = re.compile(r"[ \t]{0,8}(?:([^\W\d_]{1,12}>|[|:])(?:\s|$)|([»›│┃]))")
_LINK_END = re.compile(r"[=/&%<>)]")
_CUT_BRACKET = re.compile(r"<[^<>]{0,200}$")
_ENDS = tuple(f".?!。？！…;{COLONS}")


def mark_cut_addresses(lines: Sequence[str], letters: list[str]) -> None:
    """The bracket of an address that was wrapped begins the next line ("<kim@example.org" / "> wrote:")."""
    for index in range(1, len(letters)):
        if letters[index] != QUOTE or letters[index - 1] != TEXT:
            continue
        plain, above = lines[index][:MAX_LOOK].strip(), lines[index - 1][:MAX_LOOK].rstrip()
        if (
            len(plain) < 80
            and "@" in above
            and _CUT_BRACKET.search(above)
            and (plain[-1] in COLONS + "-" or len(plain) < 24)
        ):
            letters[index] = TEXT


def mark_broken_links(lines: Sequence[str], letters: list[str]) -> None:
    """A long link that a program broke out of its quote leaves one line without a quote mark between quoted ones."""
    for index in range(1, len(letters) - 1):
        if letters[index] == TEXT and letters[index - 1] == QUOTE == letters[index + 1]:
            plain = lines[index][:MAX_LOOK].strip()
            if "http" in plain[:12] or (" " not in plain and _LINK_END.search(plain)):
                letters[index] = QUOTE


def mark_wrapped_quotes(lines: Sequence[str], letters: list[str]) -> None:
    """A quote that was wrapped once more: the ends of its long lines stand without a mark, and fit no more above.

    At the end of a quote this is believed only if it was seen between quoted lines too, or the line goes on in small
    letters: an answer right below a quote looks alike.
    """
    width = max((len(line) for line, letter in zip(lines, letters, strict=False) if letter == QUOTE), default=0)
    width = min(width, MAX_LOOK)
    if width < LEAST_WIDTH:
        return
    seen, ends = False, []
    for index in range(1, len(letters)):
        if letters[index] != TEXT or letters[index - 1] != QUOTE or not _is_rest(lines, index, width):
            continue
        stop = index + 1
        while stop < len(letters) and letters[stop] == TEXT and stop - index < 4:
            stop += 1
        if stop < len(letters) and letters[stop] == QUOTE:
            letters[index:stop] = [QUOTE] * (stop - index)
            seen = True
        elif stop == len(letters) or letters[stop] == EMPTY:
            ends.append((index, stop))
    for index, stop in ends:
        if stop - index == 1 and (seen or lines[index].lstrip()[:1].islower()):
            letters[index:stop] = [QUOTE]


def _is_rest(lines: Sequence[str], index: int, width: int) -> bool:
    """Whether a line is what did not fit into the quoted one above it."""
    above, line = lines[index - 1].rstrip()[:MAX_LOOK], lines[index].strip()[:MAX_LOOK]
    word = line.split(" ", 1)[0]
    return not above.endswith(_ENDS) and len(above) + 1 + len(word) > width and len(line) <= width + 8


def mark_named_quotes(lines: Sequence[str], letters: list[str]) -> None:
    """Below an attribution, lines behind a name (`    Kim> old words`, by Supercite), a bar or a colon are one."""
    for index in [at for at, letter in enumerate(letters) if letter == ATTRIBUTION]:
        at = index + 1
        while at < len(letters) and letters[at] == EMPTY:
            at += 1
        match = _NAMED_QUOTE.match(lines[at]) if at < len(letters) and letters[at] == TEXT else None
        while match and at < len(letters) and letters[at] in TEXT + EMPTY:
            if letters[at] == TEXT and not lines[at].lstrip().startswith(match[1] or match[2]):
                break
            letters[at] = QUOTE if letters[at] == TEXT else EMPTY
            at += 1


def is_named_quote(lines: Sequence[str], letters: list[str], last: int) -> bool:
    """Whether the next two lines begin with the same mark that is no `>`."""
    below = [
        line
        for line, letter in zip(lines[last + 1 : last + 5], letters[last + 1 : last + 5], strict=True)
        if letter == TEXT
    ]
    marks = [(match[1] or match[2]) for line in below[:2] if (match := _NAMED_QUOTE.match(line))]
    return len(marks) == 2 and marks[0] == marks[1]


def mark_quoted_attribution(lines: Sequence[str], letters: list[str]) -> None:
    """Some phones quote the line above the quote too; the first of a quote then is one like any other."""
    at = next((index for index, letter in enumerate(letters) if letter != EMPTY), -1)
    first = letters.index(QUOTE) if QUOTE in letters else -1
    if first < 0 or (first and letters[first - 1] != EMPTY) or (at != first and letters[at] != SENT_FROM):
        return
    plain = lines[first][:MAX_LOOK].strip("> \t")
    if ends_in_colon(plain) and is_attribution(plain, quoted=True):
        letters[first] = ATTRIBUTION
