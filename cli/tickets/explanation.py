"""Why a text gets its category, for people at a terminal: each word of it in the colour of its weight.

In: a model and a text. Out: lines. Green spoke for the category, red against it; without colours (NO_COLOR, or no
terminal) the words are listed with their weights all the same. It refuses to know tickets.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from storage.runtime.logging_setup import escaped

_MOST = 12
_TOKEN = re.compile(r"\w+")
_STRONG = 0.25
"""The share of the strongest word from which on a word is printed bold."""


def show(found: Mapping[str, Any], text: str) -> None:
    """The text in colour where there is a terminal, and the words in order."""
    colours = in_colour()
    sure = {"automatic": "sure enough to act on", "suggest": "a suggestion", "unsure": "not sure: a human decides"}
    print(f"{escaped(found['category'])}: {sure[found['outcome']]} (model {escaped(found['model_version'])})")
    for name, chance in found["likely"]:
        print(f"  {chance:6.1%}  {escaped(name)}")
    weights = dict((*found["words_for"], *found["words_against"]))
    if colours:
        print()
        for line in text.splitlines()[:40]:
            print("  " + _coloured(escaped(line[:500]), weights))
    for title, words, code in (("for", found["words_for"], "32"), ("against", found["words_against"], "31")):
        print(f"\n{title}" if words else f"\nno word spoke {title} it")
        for word, weight in words[:_MOST]:
            plain = f"  {weight:+.2f}  {escaped(word)}"
            print(f"\x1b[{code}m{plain}\x1b[0m" if colours else plain)


def in_colour() -> bool:
    """A terminal that did not ask for none (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(line: str, weights: Mapping[str, float]) -> str:
    folded = {word.casefold(): weight for word, weight in weights.items()}
    most = max(map(abs, folded.values()), default=1.0) or 1.0

    def paint(match: re.Match[str]) -> str:
        weight = folded.get(match[0].casefold(), 0.0)
        if abs(weight) < most * 0.02:
            return match[0]
        bold = ";1" if abs(weight) > most * _STRONG else ""
        return f"\x1b[{'32' if weight > 0 else '31'}{bold}m{match[0]}\x1b[0m"

    return _TOKEN.sub(paint, line)
