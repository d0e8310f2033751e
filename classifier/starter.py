"""The model of the first day: it knows common requests in five languages before the desk has a single example.

It is shipped beside its data, and trained from them where an installation came without it.
"""

from __future__ import annotations

import json
from pathlib import Path

from classifier import artefact
from classifier.model import BrokenArtefact, Categoriser

DATA = Path(__file__).resolve().parent / "data"
SHIPPED = DATA / "starter_model"
VERSION = "starter-4"


def shipped() -> Categoriser:
    """The starter model as shipped; trained anew where the installation came without it or it is damaged."""
    try:
        return Categoriser.load(SHIPPED)
    except BrokenArtefact:
        return trained()


def trained() -> Categoriser:
    """The starter model made from the data: the same every time."""
    texts, labels = examples()
    return Categoriser(version=VERSION).fit_hints(texts, labels, hints())


def examples() -> tuple[list[str], list[str | None]]:
    """Texts and their labels; None for what a desk also receives and no category fits."""
    lines = (DATA / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def hints() -> dict[str, str]:
    read: dict[str, str] = json.loads((DATA / "hints.json").read_text(encoding="utf-8"))
    return read


def ship(directory: Path = SHIPPED) -> None:
    """Writes the model that is shipped; what `python -m classifier.train` runs."""
    artefact.write(trained().parts, directory)
