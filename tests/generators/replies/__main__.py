"""Prints how much of generated conversations is read right: python -m tests.generators.replies [COUNT] [SEED]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from random import Random

from tests.generators.replies import data
from tests.generators.replies.conversations import WEBMAILS, Conversation, attributed, conversations
from tests.generators.replies.measure import Figures, measured, together

Cell = tuple[str, str, str]
LEAST_OF_A_CELL, MOST_NAMED = 10, 20


def main() -> int:
    """The totals of the seen and the unseen part, and tables of the seen part by style, program and language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=4_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--wrong", type=int, default=0, help="print so many wrong ones of the seen part")
    parser.add_argument("--style", default="", help="only this style among the wrong ones")
    parser.add_argument("--cells", action="store_true", help="the table of both parts, program by language")
    options = parser.parse_args()
    drawn = list(conversations(options.count, options.seed))
    seen = measured(one for one in drawn if one.seen)
    unseen = measured(one for one in drawn if not one.seen)
    say = sys.stdout.write
    say(f"seen     {together(seen.values())}\nunseen   {together(unseen.values())}\n")
    say(f"webmails {together(measured(webmails(options.seed)).values())}\n")
    if options.cells:
        _table({**seen, **unseen})
        return 0
    for title, key in (("style", 2), ("program", 0), ("language", 1)):
        say(f"by {title}, the seen part, worst first:\n")
        for name, figures in _by(seen, lambda cell, at=key: cell[at])[:25]:  # type: ignore[misc]
            say(f"  {name:20} {figures}\n")
    for one, reply in _wrong(seen, options.style, options.seed)[: options.wrong]:
        say(f"\n===== {one.program} {one.language} {one.style}\n{one.text}\n")
        say(f"----- wanted\n{one.reply}\n----- got\n{reply}\n")
    return 0


def webmails(seed: int) -> Iterable[Conversation]:
    """Every attribution of the web mail programs, above a quote."""
    for number, (program, code, template) in enumerate(data.attributions()):
        if program in WEBMAILS:
            yield attributed(Random(seed * 7 + number), program, code, template)


def _by(figures: dict[Cell, Figures], key: Callable[[Cell], str]) -> list[tuple[str, Figures]]:
    names = {key(cell) for cell in figures}
    groups = {name: together(one for cell, one in figures.items() if key(cell) == name) for name in names}
    return sorted(groups.items(), key=lambda pair: (pair[1].exact / pair[1].count, pair[0]))


def _wrong(figures: dict[Cell, Figures], style: str, seed: int) -> list[tuple[Conversation, str]]:
    wrong = [pair for one in figures.values() for pair in one.wrong if not style or pair[0].style == style]
    Random(seed).shuffle(wrong)
    return wrong


def _table(figures: dict[Cell, Figures]) -> None:
    """Program by language: a line for each program, its languages' shares in per cent, the worst cells by name."""
    cells = _by(figures, lambda cell: f"{cell[0]} {cell[1]}")
    shares = {name: 100 * one.exact / one.count for name, one in cells}
    for program, one in sorted(_by(figures, lambda cell: cell[0])):
        languages = {name.split(" ")[1]: share for name, share in shares.items() if name.split(" ")[0] == program}
        row = " ".join(f"{code} {share:.0f}" for code, share in sorted(languages.items()))
        sys.stdout.write(f"{program:18} {one}\n    {row}\n")
    sys.stdout.write("worst cells with enough mails:\n")
    worst = [(name, one) for name, one in cells if one.count >= LEAST_OF_A_CELL and one.exact < one.count][:MOST_NAMED]
    for name, one in worst:
        sys.stdout.write(f"  {name:24} {one}\n")


if __name__ == "__main__":
    sys.exit(main())
