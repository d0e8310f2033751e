"""What requesters read on the pages of their own requests, on the help pages and in reminders, a table a language.

It takes a language, and returns the sentences by name. A line of a table is `name TAB sentence`, with `\\n` for a new
line; lines that start with # are remarks. To change a sentence, change the table; to add a language, add one with the
same names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

DEFAULT = "en"
Words = Mapping[str, str]
_ASKED = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?))?\s*")


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a table."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".tsv") for name in names if name.endswith(".tsv")))


def words(language: str) -> Words:
    """The table of a language, of English where it has none."""
    return _table(spoken(language))


def spoken(language: str) -> str:
    """The code of the table for a language, `de` for `de-AT`; English where there is none."""
    return language.lower()[:2] if language.lower()[:2] in languages() else DEFAULT


def wanted(accept_language: str, otherwise: str) -> str:
    """The language that a browser asks for first among ours (RFC 9110, 12.5.4); `otherwise` if it asks for none."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:500].split(",")):
        match = _ASKED.fullmatch(part)
        if match and match[1].lower() in languages() and float(match[2] or 1) > 0:
            found.append((-float(match[2] or 1), place, match[1].lower()))
    return min(found)[2] if found else spoken(otherwise)


@cache
def _table(language: str) -> Words:
    source = resources.files(__name__).joinpath(f"{language}.tsv").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in source.splitlines() if line and not line.startswith("#"))
    return {name: sentence.replace("\\n", "\n") for name, sentence in lines}
