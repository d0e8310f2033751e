"""The words of the commands for what comes after a ticket is solved: similar, article, csat.

In: the parser. Out: more words. It refuses to know what they do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from cli.admin import articles, csat
from cli.tickets import similar
from desk.knowledge.articles import State

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add(words: Any, group: Group, command: Command) -> None:
    near = command(words, "similar", similar.run, "the solved tickets that are most like this one, and their answers")
    near.add_argument("ticket", type=int)
    near.add_argument("--most", type=int, default=5)
    _articles(group(words, "article", "what solved one ticket, written for the next"), command)
    _csat(group(words, "csat", "how content requesters are"), command)


def _articles(own: Any, command: Command) -> None:
    listing = command(own, "list", articles.listed, "the newest articles")
    listing.add_argument("--search", metavar="WORDS", default="")
    listing.add_argument("--state", choices=list(State))
    listing.add_argument("--category")
    listing.add_argument("--most", type=int, default=50)
    command(own, "show", articles.shown, "one, with its versions and uses").add_argument("id", type=int)
    out = command(own, "export", articles.given_out, "all articles as JSON")
    out.add_argument("--state", choices=list(State))
    take = command(own, "import", articles.taken_in, "take articles in, known by title and language")
    for one in (out, take):
        one.add_argument("file", metavar="FILE.json")
    take.add_argument("--dry-run", action="store_true", help="say what would come of it; change nothing")


def _csat(own: Any, command: Command) -> None:
    command(own, "show", csat.figures, "what they said").add_argument("--days", type=int, default=30)
