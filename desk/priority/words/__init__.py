"""The words from which the desk judges a priority, a table a language, that anybody can extend without touching code.

It returns all rows as (kind, phrase). A line of a table is `kind TAB phrase | phrase | …`; lines that start with #
are remarks. What the kinds mean is said in README.md beside the tables; desk/priority/assess.py decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a table."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".tsv") for name in names if name.endswith(".tsv")))


def rows() -> Iterator[tuple[str, str]]:
    """(kind, phrase) of all languages."""
    for language in languages():
        yield from of_language(language)


def of_language(language: str) -> Iterator[tuple[str, str]]:
    """(kind, phrase) of one language."""
    source = resources.files(__name__).joinpath(f"{language}.tsv").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line and not line.startswith("#"):
            kind, phrases = line.split("\t")
            yield from ((kind, phrase.strip()) for phrase in phrases.split("|"))
