"""Measures the categoriser on the training parts of public ticket and intent sets, which are not in this repository.

    python tests/exam_classify.py [FOLDER] [--only it,banking77,clinc150]

Validation is a stratified fifth of the training part (CLINC150 brings its own). One line of JSON a set.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
# In place of this folder: tests/email would hide the standard library's.
sys.path[0] = str(REPOSITORY)

from classifier import evaluate  # noqa: E402
from classifier.model import Categoriser  # noqa: E402

FOLDER = REPOSITORY.parent / "shared" / "exams" / "classify"
Set = tuple[list[str], list[str]]


def read(path: Path) -> Set:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def split(texts: list[str], labels: list[str], seed: int = 42) -> tuple[Set, Set]:
    """Four fifths to learn from, a fifth of every label to measure on."""
    order, kept = np.random.default_rng(seed).permutation(len(texts)), np.zeros(len(texts), dtype=bool)
    for label in set(labels):
        members = [place for place in order if labels[place] == label]
        kept[members[: len(members) // 5]] = True
    learnt, held = np.flatnonzero(~kept), np.flatnonzero(kept)
    return ([texts[i] for i in learnt], [labels[i] for i in learnt]), (
        [texts[i] for i in held],
        [labels[i] for i in held],
    )


def measure(name: str, learn: Set, held: Set, outside: list[str]) -> None:
    begun = time.perf_counter()
    model = Categoriser().fit(*learn)
    fitted = time.perf_counter()
    chances = model.predict_proba(held[0])
    asked = time.perf_counter()
    guessed = model.classes_[chances.argmax(axis=1)]
    right, sure = guessed == np.array(held[1]), chances.max(axis=1)
    result: dict[str, object] = {
        "set": name,
        "rows": len(learn[0]),
        "accuracy": evaluate.accuracy(held[1], guessed.tolist()),
        "macro_f1": evaluate.macro_f1(held[1], guessed.tolist()),
        "ece": evaluate.calibration_error(right.tolist(), sure),
        "coverage_at_95": evaluate.coverage(right.tolist(), sure),
        "fit_seconds": fitted - begun,
        "ask_ms_each": 1000 * (asked - fitted) / len(held[0]),
        "columns": model.parts.vocabulary.size,
        "letters": bool(model.parts.vocabulary.letters),
        "temperature": model.parts.temperature,
    }
    outcomes = [guess.outcome for guess in model.guess(held[0])]
    automatic = np.array([outcome == "automatic" for outcome in outcomes])
    result["automatic"] = float(automatic.mean())
    result["automatic_right"] = float(right[automatic].mean()) if automatic.any() else None
    if outside:
        result["auroc"] = evaluate.separation(model.oos_score(held[0]), model.oos_score(outside))
    shown = {key: round(value, 4) if isinstance(value, float) else value for key, value in result.items()}
    sys.stdout.write(json.dumps(shown) + "\n")
    sys.stdout.flush()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    arguments.add_argument("--only", default="banking77,clinc150,it")
    asked = arguments.parse_args()
    for name in asked.only.split(","):
        measure(name, *parts_of(asked.folder, name))


def parts_of(folder: Path, name: str) -> tuple[Set, Set, list[str]]:
    """What to learn from, what to measure on, and texts that belong nowhere."""
    learn = read(folder / f"{name}.train.jsonl.gz")
    if name == "clinc150":
        return learn, read(folder / "clinc150.val.jsonl.gz"), read(folder / "clinc150.oos_val.jsonl.gz")[0]
    return *split(*learn), []


if __name__ == "__main__":
    main()
