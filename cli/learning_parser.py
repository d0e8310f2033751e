"""The words of the commands for what the desk learns: classifier.

In: the parser, and how a model is trained. Out: more words. It refuses to know what they do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from cli.admin import classifier

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add(words: Any, group: Group, command: Command, train: classifier.Train) -> None:
    _classifier(group(words, "classifier", "the categoriser: how it is, training, reasons, undo"), command, train)


def _classifier(own: Any, command: Command, train: classifier.Train) -> None:
    command(own, "status", classifier.status, "all models, what waits to be learned, and a running training")
    begin = command(own, "train", partial(classifier.train, train=train), "train now, and take over if it is not worse")
    begin.add_argument("--dry-run", action="store_true", help="say what would come of it; change nothing")
    measure = command(own, "evaluate", classifier.evaluate, "measure a model on what agents said")
    measure.add_argument("--new", action="store_true", help="only on what it has not learned from")
    why = command(own, "explain", classifier.explain, "which words speak for a category, and which against")
    why.add_argument("text", nargs="?", default="")
    why.add_argument("--ticket", type=int, metavar="NUMBER")
    why.add_argument("--category", default="", help="explain this one instead of the guessed one")
    for one in (measure, why):
        one.add_argument("--model", default="", metavar="VERSION", help="instead of the active one")
    command(own, "promote", classifier.promote, "make this model the desk's").add_argument("version")
    command(own, "rollback", classifier.rollback, "go back to the model before")
    out = command(own, "export", classifier.give_out, "a model as a zip")
    out.add_argument("target", metavar="FILE.zip")
    out.add_argument("--model", default="", metavar="VERSION", help="instead of the active one")
    command(own, "import", classifier.take_in, "take a model in, checked, as a candidate").add_argument("source")
    past = command(own, "history", classifier.history, "by week: how much was automatic, and how much of it right")
    past.add_argument("--weeks", type=int, default=12)
    command(own, "teach", classifier.teach, "the tickets that would teach it most").add_argument(
        "--most", type=int, default=20
    )
