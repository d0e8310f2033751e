"""Marks the lines that are no conversation whatever they look like: fenced code, and what PGP puts around a text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

EMPTY, CODE, ARMOUR = "e", "c", "p"
MAX_ARMOURS = 20


def mark_code(lines: Sequence[str], found: list[str]) -> None:
    """Lines between a pair of ``` fences are code, whatever they look like."""
    fences = [index for index, line in enumerate(lines) if "```" in line and line.lstrip()[:3] == "```"]
    for first, last in zip(fences[::2], fences[1::2], strict=False):
        found[first : last + 1] = [CODE] * (last + 1 - first)


def mark_armour(lines: Sequence[str], found: list[str]) -> None:
    """The lines that PGP puts around a signed text: its head, and the signature up to its end."""
    marks = ((index, line) for index, line in enumerate(lines) if line.startswith("-----BEGIN PGP SIG"))
    for index, line in islice(marks, MAX_ARMOURS):
        if line.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
            stop = next((at for at in range(index, min(len(lines), index + 5)) if found[at] == EMPTY), index + 1)
        else:
            ends = (at + 1 for at in range(index, min(len(lines), index + 100)) if lines[at].startswith("-----END PGP"))
            stop = next(ends, index + 1)
        found[index:stop] = [ARMOUR] * (stop - index)
