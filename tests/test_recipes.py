"""The recipes of CONTRIBUTING.md name files that exist, and each file has the word that the recipe says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KINDS = (
    "A channel", "A page", "An API route", "A command", "A setting", "A column", "An event", "A rule condition",
    "A language",
)  # fmt: skip
_HEADING = re.compile(r"### (.+): `(\w+)`\n")
_FILE = re.compile(r"(?:^\d+\. |\. )`([\w./*-]+)`(?: \(`([^`]+)`\))?:", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One file of a recipe, with the example's name put in; `word` is empty where the file only has to be there."""

    kind: str
    path: str
    word: str


def steps() -> Iterator[Step]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = text.partition("## Recipes\n")[2].partition("\n## ")[0]
    parts = _HEADING.split(recipes)
    for kind, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        for match in _FILE.finditer(body):
            yield Step(kind, match[1].replace("NAME", name), (match[2] or "").replace("NAME", name))


def files(path: str) -> list[Path]:
    """The files that a step means: one, those of a pattern, or those below a folder."""
    return [each for each in ROOT.glob(f"{path}**/*" if path.endswith("/") else path) if each.is_file()]


def has(text: str, word: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text, re.IGNORECASE) is not None


@pytest.mark.parametrize("step", list(steps()), ids=lambda step: f"{step.kind}-{step.path}")
def test_a_file_of_a_recipe_exists_and_has_its_word(step: Step) -> None:
    texts = [each.read_text(encoding="utf-8", errors="replace") for each in files(step.path)]
    assert texts, f"{step.kind}: there is no {step.path}"
    assert any(has(text, step.word) for text in texts) or not step.word, f"{step.path} does not have {step.word}"


def test_every_kind_of_change_has_a_recipe_and_no_numbered_step_is_passed_over() -> None:
    assert tuple(dict.fromkeys(step.kind for step in steps())) == KINDS
    recipes = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Recipes\n")[2].partition("\n## ")[0]
    assert len(list(steps())) >= len(re.findall(r"^\d+\. ", recipes, re.MULTILINE))
