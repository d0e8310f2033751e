"""The lines at the end of a mail that only say who wrote it: a name, then phone, address, web page, without any mark.

It takes the lines of a mail, their letters and what is cut already, and returns the first and last line of such a
block. It is strict, since words that a person wrote must not be lost: a name or a firm first, short lines only, and
two kinds of contact; bars may part what others write on lines of their own, and stars may make it bold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile

MAX_LINES = 10
MAX_RULED_LINES = 24
MAX_WIDTH = 64
MAX_BARRED_WIDTH = 140
MOST_CARD_WORDS = 6
MOST_BOXED_LINES = 6

_NAME = re.compile(r"(?:[^\W\d_](?:[^\W\d_]|['’.\u0300-\u036f\u0900-\u0dff\u0e30-\u0e4e-]){0,30}[.,]?[ \t]{0,2}){2,5}")
_ENDS = re.compile(r"[^\w\u0300-\u036f\u0900-\u0e7f)]$")
"""Anything but a letter or its vowel sign at the end."""
_FIRM = re.compile(
    r"\b(?:GmbH|AG|KG|e\.?V|Ltd|LLC|Inc|plc|Corp|Co|S\.?A|S\.?L|SARL|SAS|S\.?r\.?l|S\.?p\.?A|B\.?V|N\.?V|AB|A/S|ApS|AS|Oy|Kft|"
    r"Zrt|s\.r\.o|a\.s|d\.o\.o|Lda|Ltda|OÜ|UAB|SIA)\b|株式会社|有限|ООО|ТОВ|주식회사|公司"
)
_KINDS = (
    re.compile(r"[^\s@<>]{1,64}@[\w.-]{1,120}\.[a-z]{2,}", re.I),
    re.compile(r"(?:\+|\(|\b)\d[\d ()./-]{6,20}\d\b"),
    re.compile(r"(?:https?://|\bwww\.)\S{3,200}", re.I),
    re.compile(r"\b(?:skype|twitter|linkedin|whatsapp|icq|telegram)\b", re.I),
)
_PARTICLES = frozenset(
    "de van von der den da do dos di du la le del della bin al el y e af av zu ten ter ibn und".split()  # noqa: SIM905
)
_BAR = re.compile(r"\s[|•·│/]\s")
_BOLD = " \t*_\u00a0\u200e\u200f"


def contact_block(lines: Sequence[str], letters: str, reasons: Sequence[str]) -> tuple[int, int]:
    """Where the block stands; an empty range where there is none."""
    stop = len(lines)
    while stop and (reasons[stop - 1] or letters[stop - 1] == "e"):
        stop -= 1
    start = _paragraph(lines, letters, reasons, stop)
    if start and _is_contact(lines[start:stop]) and _stands_alone(lines, letters, start):
        return start, stop
    if start and _is_name_above_device(lines, letters, start, stop):
        return start, stop
    # Japanese signatures stand between two rules.
    inner = stop - 1 if stop and letters[stop - 1] == "r" else stop
    ruled = _below_rule(letters, reasons, inner)
    block = [line for line in lines[ruled + 1 : inner] if line.strip()] if ruled else []
    boxed = (
        inner < stop and 0 < len(block) <= MOST_BOXED_LINES and _is_name(block[0]) and not any(map(_is_prose, block))
    )
    return (ruled, stop) if boxed or _is_ruled_contact(block) else (0, 0)


def is_card(block: Sequence[str]) -> bool:
    """Whether short lines below a rule are somebody's card: a name first, or a kind of contact among them."""
    lines = [line.strip(_BOLD) for line in block if line.strip(_BOLD)]
    if not lines or any(len(line) > MAX_BARRED_WIDTH for line in lines):
        return False
    return _is_name(lines[0]) or (_contacts(lines) > 0 and len(lines[0].split()) <= MOST_CARD_WORDS)


def _paragraph(lines: Sequence[str], letters: str, reasons: Sequence[str], stop: int) -> int:
    """The first line of the last paragraph, or 0 if it is long or all there is."""
    at = stop
    while at and letters[at - 1] == "t" and not reasons[at - 1] and stop - at <= MAX_LINES:
        at -= 1
    return at if at < stop and stop - at <= MAX_LINES and at and letters[at - 1] == "e" else 0


def _stands_alone(lines: Sequence[str], letters: str, start: int) -> bool:
    """Other words must stand above, and the last of them must not announce the block ("My new address:")."""
    above = [line for line, letter in zip(lines[:start], letters, strict=False) if letter == "t"]
    return bool(above) and not above[-1].rstrip().endswith((":", "："))


def _is_contact(block: Sequence[str]) -> bool:
    named = [line.strip(_BOLD) for line in dropwhile(_is_picture, block)]
    if not named or any(len(line) > (MAX_BARRED_WIDTH if _BAR.search(line) else MAX_WIDTH) for line in named):
        return False
    first = _BAR.split(named[0])[0]
    if not (_is_name(first) or _FIRM.search(first)):
        return False
    if block[0].strip()[:1] == "*" == block[0].strip()[-1:] and len(named) > 2 and _contacts(named):
        return True
    barred = sum(len(_BAR.findall(line)) for line in named)
    return _contacts(named) >= 2 and (len(named) > 2 or barred >= 2 or (len(named) == 2 and barred > 0))


def _is_picture(line: str) -> bool:
    """What Outlook leaves of a logo in plain text."""
    return line.strip().startswith(("[cid:", "[image", "[Image", "[logo", "[Logo"))


def _is_name(line: str) -> bool:
    plain = line.strip(_BOLD).rstrip(",").replace("*", "")
    if not plain or len(plain) > MAX_WIDTH or not plain[0].isalpha():
        return False
    if plain[0].lower() == plain[0].upper() or "\u10d0" <= plain[0] <= "\u10ff":
        # A script without capitals: a name has few signs, and no point at its end.
        return len(plain) <= 20 and plain.count(" ") <= 3 and not _ENDS.search(plain)
    words = [word for word in plain.split() if word not in _PARTICLES]
    return _NAME.fullmatch(plain) is not None and all(word[:1].isupper() for word in words)


def _contacts(block: Sequence[str]) -> int:
    text = "\n".join(block)
    kinds = sum(pattern.search(text) is not None for pattern in _KINDS)
    return 2 if kinds == 1 and len(_KINDS[1].findall(text)) > 1 else kinds


def _is_name_above_device(lines: Sequence[str], letters: str, start: int, stop: int) -> bool:
    """A name alone right above the line that a phone adds ("Ann Example / via mobile")."""
    named = stop - start == 1 and stop < len(lines) and letters[stop] == "m" and _is_name(lines[start])
    return named and _stands_alone(lines, letters, start)


def _below_rule(letters: str, reasons: Sequence[str], stop: int) -> int:
    at = letters.rfind("r", 0, stop)
    return at if at > 0 and stop - at <= MAX_RULED_LINES and not any(reasons[at:stop]) else 0


def _is_prose(line: str) -> bool:
    return len(line) > MAX_WIDTH or line.rstrip()[-1:] in tuple("?!。？！") or line.count(" ") > MAX_LINES


def _is_ruled_contact(block: Sequence[str]) -> bool:
    return bool(block) and all(len(line) <= MAX_WIDTH for line in block) and _contacts(block) >= 2
