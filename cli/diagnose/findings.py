"""What the doctor says of one thing: fine, a warning, or broken, with what was found and what to do."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, BROKEN = "ok", "warning", "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    state: str
    found: str
    advice: str = ""


def fine(name: str, found: str) -> Finding:
    return Finding(name, OK, found)


def warning(name: str, found: str, advice: str) -> Finding:
    return Finding(name, WARNING, found, advice)


def broken(name: str, found: str, advice: str) -> Finding:
    return Finding(name, BROKEN, found, advice)
