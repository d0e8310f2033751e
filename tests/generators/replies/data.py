"""Reads the tables of the generator: what people write by language, what programs put around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language."""

    code: str
    fields: dict[str, str]
    dates: tuple[str, ...]
    names: tuple[str, ...]
    answers: tuple[str, ...]
    older: tuple[str, ...]
    closings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The header lines above an earlier mail, in one language, and the marks above them."""

    sender: str
    sent: str
    to: str
    subject: str
    original: str
    forward: str


@cache
def _rows(name: str) -> tuple[list[str], ...]:
    lines = (_FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t") for line in lines if line and not line.startswith("#"))


@cache
def languages() -> dict[str, Language]:
    """The languages by their code."""
    return {row[0]: _language(row) for row in _rows("languages")}


def _language(row: list[str]) -> Language:
    code, tuesday, tue, march, mar, long_date, short_date, *lists = row
    fields = {"tuesday": tuesday, "tue": tue, "march": march, "mar": mar}
    names, answers, older, closings = (tuple(text.split("|")) for text in lists)
    return Language(code, fields, (long_date, short_date), names, answers, older, closings)


@cache
def attributions() -> tuple[tuple[str, str, str], ...]:
    """Program, language and the line above the quote."""
    return tuple((row[0], row[1], row[2]) for row in _rows("programs"))


@cache
def blocks() -> dict[str, Block]:
    """The header blocks by language."""
    return {row[0]: Block(*row[1:]) for row in _rows("blocks")}


@cache
def phones() -> dict[str, tuple[str, ...]]:
    """The lines that phones add, by language."""
    return {row[0]: tuple(row[1].split("|")) for row in _rows("phones")}


@cache
def own_words() -> tuple[str, ...]:
    """Whole mails of people that look like what mail programs write."""
    return tuple(text.strip("\n") for text in (_FOLDER / "own_words.txt").read_text(encoding="utf-8").split("\n%\n"))
