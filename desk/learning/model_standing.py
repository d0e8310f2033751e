"""What a model is, in words for people: the starter, the starter with this desk's hints, on trial, or the desk's own.

It takes what is known of how it was made, and returns a name and a sentence. It does not know whether the model is in
use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.learning.learning import FEWEST_TO_JUDGE, NEWEST

JUDGED_FROM = int(FEWEST_TO_JUDGE / NEWEST)
"""From so many words of agents on, enough can be kept back to judge a model by."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of this desk a model knows, and whether that was measured."""

    name: str
    words: str


def standing(made_by: str, report: Mapping[str, Any]) -> Standing:
    """`report` is what its training wrote down; a model that was not trained here has none."""
    said, silent = int(report.get("said", 0)), int(report.get("silent", 0))
    if made_by == "shipped":
        return Standing("starter", "the examples that come with the program; it has seen no ticket of this desk")
    if made_by == "import":
        return Standing("taken in", "it was made elsewhere; what it was measured on is not known here")
    measured = report.get("evaluation")
    if measured:
        known = f"learned from {_count(said, 'word')} of agents"
        return Standing("own model", f"{known}, measured on the newest {measured['count']} before it had seen them")
    if not said and not silent:
        return Standing("starter and hints", f"the starter with {_hints(report)}; no ticket of this desk taught it yet")
    return Standing("on trial", f"the starter with {_learned(said, silent, report)}; {_missing(said)}")


def _learned(said: int, silent: int, report: Mapping[str, Any]) -> str:
    parts = [_count(said, "word") + " of agents"] * bool(said)
    parts += [f"{_count(silent, 'ticket')} whose category nobody touched"] * bool(silent)
    parts += [_hints(report)] * bool(report.get("hinted"))
    return ", ".join(parts)


def _hints(report: Mapping[str, Any]) -> str:
    return f"the words of {_count(len(report.get('hinted', ())), 'category', 'categories')} that were added here"


def _missing(said: int) -> str:
    if said >= JUDGED_FROM:
        return "nobody measured it"
    return (
        f"too little to measure it by: that begins at {JUDGED_FROM} words of agents, {JUDGED_FROM - said} are missing"
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
