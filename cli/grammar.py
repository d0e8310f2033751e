"""How the words of `frontdesk` are put together: groups of commands, and what every command may be told.

In: a name, a text, and what is run. Out: argparse's parsers. It knows no command.
"""

from __future__ import annotations

import argparse
from typing import Any

Words = Any
"""What argparse calls _SubParsersAction, which is private and generic only for mypy."""


def group(words: Words, name: str, text: str) -> Words:
    return words.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="COMMAND")


def command(words: Words, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = words.add_parser(name, help=text, description=text)
    made.set_defaults(run=run)
    made.add_argument("--data", metavar="DIR", help="the data folder (FRONTDESK_DATA_DIR)")
    made.add_argument("--json", action="store_true", help="answer in JSON")
    return made
