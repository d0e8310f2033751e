"""The words of the commands for what was solved before: similar.

In: the parser. Out: more words. It refuses to know what they do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from console.cli import similar

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add(words: Any, _group: Group, command: Command) -> None:
    near = command(words, "similar", similar.run, "the solved tickets that are most like this one, and their answers")
    near.add_argument("ticket", type=int)
    near.add_argument("--most", type=int, default=5)
