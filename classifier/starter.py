"""The model of the first day: it knows common requests in five languages before the desk has a single example.

It is shipped beside its data, and trained from them where an installation came without it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from classifier import artefact
from classifier.model import BrokenArtefact, Categoriser
from classifier.situations import Example, read

DATA = Path(__file__).resolve().parent / "data"
SHIPPED = DATA / "starter_model"
VERSION = "starter-5"
_WORD = re.compile(r"\w+")


def shipped() -> Categoriser:
    """The starter model as shipped; trained anew where the installation came without it or it is damaged."""
    try:
        return Categoriser.load(SHIPPED)
    except BrokenArtefact:
        return trained()


def trained() -> Categoriser:
    """The starter model made from the data: the same every time."""
    found = material()
    texts, labels, families = zip(*((one.text, one.label, one.family) for one in found), strict=True)
    return Categoriser(version=VERSION).fit_hints(texts, labels, hints(), families=families)


def material() -> list[Example]:
    """The sentences, each a situation of its own, and the texts of the situations; each text once."""
    lines = (DATA / "starter.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    every = [Example(row["text"], row["label"], number) for number, row in enumerate(rows)]
    for path in sorted((DATA / "situations").glob("*.txt")):
        with path.open(encoding="utf-8") as situations:
            every.extend(read(situations, every[-1].family + 1))
    plain = {" ".join(_WORD.findall(one.text.lower())) or one.text: one for one in reversed(every)}
    return list(reversed(plain.values()))


def examples() -> tuple[list[str], list[str | None]]:
    """Texts and their labels; None for what a desk also receives and no category fits."""
    found = material()
    return [one.text for one in found], [one.label for one in found]


def hints() -> dict[str, str]:
    read: dict[str, str] = json.loads((DATA / "hints.json").read_text(encoding="utf-8"))
    return read


def ship(directory: Path = SHIPPED) -> None:
    """Writes the model that is shipped; what `python -m classifier.train` runs."""
    artefact.write(trained().parts, directory)
