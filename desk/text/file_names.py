"""A file's name that somebody elsewhere gave, as we keep it: no path, no control characters, no change of direction."""

from __future__ import annotations

LONGEST = 200
_LONGEST_SUFFIX = 18


def clean_name(name: str) -> str:
    """A file name without path, control or direction-changing characters; "" where nothing is left of it."""
    name = name.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    name = "".join(char if char.isprintable() else " " for char in name)
    name = " ".join(name.split()).strip(". ") if name.strip(". ") else ""
    if len(name) <= LONGEST:
        return name
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[: LONGEST - 20]}.{suffix}" if dot and len(suffix) <= _LONGEST_SUFFIX else name[:LONGEST]
