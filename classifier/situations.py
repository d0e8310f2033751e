"""Situations: how the starter's examples are written down, and the texts that they stand for.

A file holds one language. `= name: a|b|c` gives words a name, `# Category` begins a category (`# None` what no category
fits), and every other line is one situation: `{a|b}` is one of these, `<name>` one of the words of that name. A
situation stands for as many texts as its longest choice has members, and each member of a choice is in one of them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

NO_CATEGORY = "None"
_CHOICE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"<(\w+)>")
_SPACE_BEFORE_SIGN = re.compile(r"\s+(?=[.,;])")
# A situation without a choice of its own is told so often in the words of others.
_NAMED_ONLY = 3
# How far the next name of a line, the next text and the next line are ahead in the words of a name.
_STEP_NAME, _STEP_TEXT, _STEP_LINE = 5, 3, 7

Names = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Example:
    """A text, its category (None: none fits), and the number of the situation that it comes from."""

    text: str
    label: str | None
    family: int


def read(lines: Iterable[str], first_family: int = 0) -> Iterator[Example]:
    """The texts of one file, in order; `first_family` is the number of its first situation."""
    names: dict[str, list[str]] = {}
    label: str | None = None
    family = first_family
    for line in map(str.strip, lines):
        if line.startswith("= "):
            name, _, members = line[2:].partition(":")
            names[name.strip()] = members.strip().split("|")
        elif line.startswith("# "):
            label = None if line[2:].strip() == NO_CATEGORY else line[2:].strip()
        elif line:
            yield from (Example(text, label, family) for text in expand(line, names, _turn(line)))
            family += 1


def _turn(line: str) -> int:
    """Of the line alone, so that a new line changes no text of the others."""
    return zlib.crc32(line.encode()) % 1_000


def expand(situation: str, names: Names, turn: int = 0) -> list[str]:
    """The texts of one situation, each once; `turn` says with which of the named words it begins."""
    choices = [choice.split("|") for choice in _CHOICE.findall(situation)]
    longest = max(map(len, choices), default=_NAMED_ONLY if _NAME.search(situation) else 1)
    return list(dict.fromkeys(_text(situation, choices, names, turn, number) for number in range(longest)))


def _text(situation: str, choices: list[list[str]], names: Names, turn: int, number: int) -> str:
    """The text of that number: the later a choice stands, the more steps it is ahead, so that pairs change by line."""
    chosen = iter([_member(choice, number + turn * place) for place, choice in enumerate(choices)])
    text = _CHOICE.sub(lambda _: next(chosen), situation)
    place = turn * _STEP_LINE + number * _STEP_TEXT
    for name in _NAME.findall(text):
        text = text.replace(f"<{name}>", _member(names[name], place), 1)
        place += _STEP_NAME
    return " ".join(_SPACE_BEFORE_SIGN.sub("", text).split())


def _member(members: list[str], place: int) -> str:
    return members[place % len(members)]
