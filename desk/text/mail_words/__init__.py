"""The words of mail programs in many languages, as tables that anybody can extend without touching code.

It takes the name of a table (`reply_prefixes`, `attributions`, ...), and returns its rows as (language, kind, text),
or a matcher made of them. It knows no rule: what a word means is decided by the module that asks. A line of a table
is `language TAB kind TAB text`; lines that start with # are remarks.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def rows(table: str) -> tuple[tuple[str, str, str], ...]:
    """All rows of one table, in the order of the file."""
    source = resources.files(__name__).joinpath(f"{table}.tsv").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in source.splitlines() if line and not line.startswith("#"))
    return tuple((language, kind, text.casefold()) for language, kind, text in lines)


@cache
def texts(table: str, kind: str) -> tuple[str, ...]:
    """The texts of one kind, longest first, so that a matcher prefers the more exact one."""
    found = {text for _, row_kind, text in rows(table) if row_kind == kind}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


@cache
def alternatives(table: str, *kinds: str) -> str:
    """The texts of some kinds as one regular expression without groups; it has no repetition, so it stays linear."""
    found = sorted({text for kind in kinds for text in texts(table, kind)}, key=lambda text: (-len(text), text))
    return "(?:" + "|".join(re.escape(text).replace(r"\ ", r"\s{1,3}") for text in found) + ")"
