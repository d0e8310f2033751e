"""Parts the lines of mails whose line breaks a program dropped: words, the attribution or mark, and the quote.

Only a line that plainly has an attribution or a mark of an original mail inside it is parted; its characters stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from desk.mail.reply_lines.shape import COLONS
from desk.text import mail_words

LEAST_LENGTH = 30
MOST_LENGTH = 4_000
MOST_PLACES = 4
WINDOW = 200
LEAST_CLOSING, LEAST_WORDS_JOINED = 2, 5
"""So many words before a date are a person's: behind a sentence, and at the start of a line."""
LEAST_WORDS = 3
"""Fewer characters before an attribution are no words ("V V tor., 3. mar. 2026")."""

_MARK = re.compile(r"(?<=\S)[ \t]{1,3}(-{3,20}[ \t]?([^-\n][^\n]{3,120}?)[ \t]?-{3,20})[ \t]?(?=\S)")
_LABELLED = re.compile(r"[^\s:：]{1,24}(?: [^\s:：]{1,12})?\s?[:：]\s?\S")
_QUOTED = re.compile(rf"[{COLONS}][ \t]{{1,3}}>[ \t]")
_NAMED = re.compile(rf"@[^\s<>()]{{1,200}}[>)][^<>@]{{0,80}}?[{COLONS}](?=\s|$)")
_BOUNDARY = re.compile(r"(?:[^\W\d_]{3}|[)\"”])\.\s+|[。！？…]\s?|[!?]\s+|\s[-—–]{1,2}\s|\s{3,}")

_NUMBER = re.compile(r"\d")

Judge = Callable[[str, bool], bool]
"""Whether a text is an attribution, above a quote that is marked or not."""


def parted(lines: Sequence[str], is_attribution: Judge) -> list[str]:
    """The lines, each joined one as two or three."""
    out: list[str] = []
    for line in lines:
        out += _of_line(line, is_attribution) if _may_be_joined(line) else [line]
    return out


def _may_be_joined(line: str) -> bool:
    return (
        LEAST_LENGTH <= len(line) <= MOST_LENGTH and line[0] != ">" and ("> " in line or "---" in line or "@" in line)
    )


def _of_line(line: str, is_attribution: Judge) -> list[str]:
    mark = _mark(line)
    if mark:
        return [line[: mark.start(1)].rstrip(), mark[1], line[mark.end() :].lstrip()]
    if " > " not in line and _opener().match(line):
        return [line]
    for end, marked in _ends(line):
        start = _start(line[:end], lambda text, marked=marked: is_attribution(text, marked))  # type: ignore[misc]
        if start and any(map(str.isalnum, line[:start])):
            pieces = (line[:start].rstrip(), line[start:end].strip(), line[end:].strip())
            return [piece for piece in pieces if piece]
    return [line]


def _mark(line: str) -> re.Match[str] | None:
    """The mark in dashes behind words, with the labels of a mail behind it unless it is a known one."""
    match = _MARK.search(line) if "---" in line else None
    if match is None:
        return None
    inner = match[2].strip().casefold()
    if inner in mail_words.texts("delimiters", "forward"):
        return None
    if inner in mail_words.texts("delimiters", "original") or line.startswith("> ", match.end()):
        return match
    return match if "@" in line[match.end() :] and _LABELLED.match(line, match.end()) else None


def _ends(line: str) -> Iterator[tuple[int, bool]]:
    """Where an attribution could end inside the line, and whether a quote mark follows."""
    for count, match in enumerate(_QUOTED.finditer(line)):
        if count == MOST_PLACES:
            break
        yield match.start() + 1, True
    for count, match in enumerate(_NAMED.finditer(line)):
        if count == MOST_PLACES:
            break
        yield match.end(), line[match.end() :].lstrip()[:1] == ">"


def _start(before: str, judge: Callable[[str], bool]) -> int:
    """Where the attribution that ends the text begins, behind a person's words; 0 where there are none or no proof."""
    least = max(0, len(before) - WINDOW)
    matches = [match for match in _BOUNDARY.finditer(before, least) if match.end() < len(before) - 10]
    ends = [match.end() for match in matches if _is_end(before, match)]
    boundary = next((end for end in reversed(ends) if judge(before[end:])), 0)
    if boundary and _NUMBER.search(before, max(0, boundary - 14), boundary):
        # "3. maalisk. 2026": the point belongs to the date.
        boundary = 0
    for match in _opener().finditer(before, boundary):
        if match.start() > LEAST_WORDS and judge(before[match.start() :]):
            return match.start()
    if not boundary and _opener().match(before.lstrip()):
        return 0
    weak = (match.end() for match in matches if match.end() > boundary)
    later = next((end for end in weak if _is_behind_words(before, boundary, end) and judge(before[end:])), 0)
    return later or _dated(before, boundary, judge)


def _is_behind_words(text: str, start: int, end: int) -> bool:
    """Whether several words, and no number, stand between."""
    return text.count(" ", start, end) > 2 and _NUMBER.search(text, start, end) is None


def _dated(before: str, boundary: int, judge: Callable[[str], bool]) -> int:
    """Behind a closing and a name without a point, the attribution begins with its date and the weekday before it."""
    number = _NUMBER.search(before, boundary)
    if number is None or "@" in before[boundary : number.start()]:
        return boundary
    words = before[boundary : number.start()].split(" ")[:-1]
    if len(words) < (LEAST_CLOSING if boundary else LEAST_WORDS_JOINED):
        return boundary
    start = number.start() - (len(words[-1]) + 1 if words[-1].endswith((",", ".")) else 0)
    return start if start > boundary and judge(before[start:]) else boundary


def _is_end(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence ends here; a short word with a point before a small letter or a number is an abbreviation."""
    at, end = match.start(), match.end()
    if end > len(text) - 10:
        return False
    return (
        "." not in match[0] or not match[0][0].isalpha() or text[end].isupper() or text[max(0, at - 2) : at].isalpha()
    )


@cache
def _opener() -> re.Pattern[str]:
    """How an attribution begins, with a capital where the script has them, and a number soon behind it."""
    words = {text[:1].upper() + text[1:] for text in mail_words.texts("attributions", "on")}
    alternatives = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\S)(?:{alternatives})[\s,](?=[^<>@]{{0,25}}?\d)")
