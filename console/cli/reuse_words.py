"""The words of the commands for what comes after a ticket is solved: similar, csat.

In: the parser. Out: more words. It refuses to know what they do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from console.cli import csat, similar
from desk.aftercare import Aftercare

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add(words: Any, group: Group, command: Command) -> None:
    near = command(words, "similar", similar.run, "the solved tickets that are most like this one, and their answers")
    near.add_argument("ticket", type=int)
    near.add_argument("--most", type=int, default=5)
    _csat(group(words, "csat", "how content requesters are"), command)


def _csat(own: Any, command: Command) -> None:
    command(own, "show", csat.figures, "what they said").add_argument("--days", type=int, default=30)
    rules = command(own, "set", csat.rules, "when they are asked; without options: how it is set")
    rules.add_argument("--dry-run", action="store_true", help="say how it would be; change nothing")
    for one in fields(Aftercare):
        name = f"--{one.name.replace('_', '-')}"
        if isinstance(one.default, bool):
            rules.add_argument(name, action=argparse.BooleanOptionalAction, default=None)
        else:
            rules.add_argument(name, type=int, metavar="N")
