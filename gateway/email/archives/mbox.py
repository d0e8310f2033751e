"""Reads an mbox file as a stream of raw mails, whichever program wrote it.

A mail starts at a "From " line that ends in a date and is followed by a header; a sentence that begins with "From " is
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_YEAR = rb"\b(?:19|20)\d\d\b"
_TIME = rb"\b\d{1,2}:\d\d(?::\d\d)?\b"
_MONTH = rb"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
_DATED = re.compile(
    rb"From (?=.{1,400}$)(?=.*%s)(?=.*%s)(?=.*(?:%s|%s)).*" % (_TIME, _YEAR, _MONTH, rb"\d-\d\d-\d"), re.I
)
_WEEKDAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ASCTIME = re.compile(rb"From \S.{0,300}? +%s +%s +\d{1,2} +%s.*" % (_WEEKDAY, _MONTH, _TIME))
# Eudora and old Thunderbird write no date, but always these very words.
_UNDATED = (b"From ???@???", b"From - ")
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
_QUOTED_FROM = re.compile(rb">+From ")
_LONGEST_FROM_LINE = 500


def is_mbox(beginning: bytes) -> bool:
    """Whether a file that begins like this is an mbox, rather than one mail."""
    return beginning.lstrip(b"\r\n").startswith(b"From ")


def read_mbox(file: Iterable[bytes]) -> Iterator[bytes]:
    """The mails in their order. What stands before the first "From " line is a mail too, if there is anything."""
    lines: list[bytes] = []
    started = False
    after_blank = True
    for line, following in _with_following(file):
        if _starts_mail(line, following, after_blank):
            if started or any(one.strip() for one in lines):
                yield _joined(lines)
            lines, started = [], True
        else:
            lines.append(line)
        after_blank = line in (b"\n", b"\r\n", b"\r", b"")
    if started or any(one.strip() for one in lines):
        yield _joined(lines)


def _with_following(file: Iterable[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    before: bytes | None = None
    for line in file:
        if before is not None:
            yield before, line
        before = line
    if before is not None:
        yield before, None


def _starts_mail(line: bytes, following: bytes | None, after_blank: bool) -> bool:
    if not line.startswith(b"From ") or len(line) > _LONGEST_FROM_LINE:
        return False
    bare = line.rstrip(b"\r\n")
    # A mail without any header, or cut off right behind its "From " line, needs the date of asctime.
    if following is None or not following.strip():
        return after_blank and _ASCTIME.fullmatch(bare) is not None
    if not _HEADER.match(following):
        return False
    return _DATED.fullmatch(bare) is not None or (after_blank and bare.startswith(_UNDATED))


def _joined(lines: list[bytes]) -> bytes:
    """The mail without the empty line that parts it from the next, and with quoted "From " lines as they were."""
    if lines and not lines[-1].strip(b"\r\n") and len(lines) > 1:
        lines = lines[:-1]
    return b"".join(line[1:] if line.startswith(b">") and _QUOTED_FROM.match(line) else line for line in lines)
