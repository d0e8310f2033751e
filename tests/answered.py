"""Reads the files of mails and their wanted replies: `#### name`, the mail, `#### =`, the reply; `#### ~` before words.

It takes a file, and returns pytest parameters (mail, mark, wanted). With `=` the reply is wanted but for white space;
with `~` each line is wanted somewhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

MARKS = ("=", "~")
_SECTION = re.compile(r"^#### (.*)\n", re.M)
_SPACE = re.compile(r"\s+")


def cases(folder: Path) -> list[object]:
    """All cases of the files of a folder."""
    return [case for path in sorted(folder.glob("*.txt")) for case in _of_file(path)]


def fits(reply: str, mark: str, wanted: str) -> bool:
    """Whether a reply is the wanted one."""
    if mark == "=":
        return _bare(reply) == _bare(wanted)
    return all(line in reply for line in wanted.split("\n") if line.strip())


def _of_file(path: Path) -> Iterator[object]:
    pieces = _SECTION.split(path.read_text(encoding="utf-8"))[1:]
    sections = list(zip(pieces[::2], pieces[1::2], strict=True))
    for (name, mail), (mark, wanted) in zip(sections[::2], sections[1::2], strict=True):
        assert mark in MARKS and name not in MARKS, f"{path.name}: {name}"
        yield pytest.param(mail, mark, wanted, id=f"{path.stem}, {name}")


def _bare(text: str) -> str:
    return _SPACE.sub("", text)
