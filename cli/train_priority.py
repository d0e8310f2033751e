"""Trains the pair of priority models: `python -m cli.train_priority` writes desk/priority/pair.json from the examples.

It reads classifier/data/priority, writes the file and prints how well situations are judged that were left out. It
lies here because the terms are the desk's and the fit is the classifier's, and neither knows the other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier import priority_pair
from classifier.chances import probabilities
from classifier.features import Floats
from classifier.priority_examples import Example, checksum, examples
from classifier.priority_pair import IMPACTS, URGENCIES, Rows
from desk.priority import signals, terms

ARTEFACT = Path(terms.__file__).with_name("pair.json")
_CHANCES = (0.4, 0.45, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    """Trains, writes and reports."""
    written = examples()
    rows = rows_of([example.text for example in written])
    scores = priority_pair.left_out(rows, written)
    scales = priority_pair.temperatures(scores, written)
    ARTEFACT.write_text(priority_pair.fit(rows, written).as_json(checksum(), scales), encoding="utf-8")
    sys.stdout.write(f"{len(written)} texts, {ARTEFACT.stat().st_size / 1e6:.2f} MB\n")
    sys.stdout.write(f"temperatures {scales[0]:.2f}, {scales[1]:.2f}\n{report(scores, scales, written)}\n")


def rows_of(texts: Sequence[str]) -> Rows:
    """Terms and traits of each text, as the desk sees them."""
    words, traits = [], []
    for text in texts:
        marks, tokens = signals.find(text)
        words.append(list(terms.terms(tokens)))
        traits.append(sorted(terms.traits(signals.heard(text, marks, tokens), marks)))
    return Rows(words, traits)


def report(scores: Floats, scales: tuple[float, float], written: Sequence[Example]) -> str:
    """Right priorities and urgent recall and precision, all on situations that the models had not seen."""
    impacts = probabilities(scores[:, : len(IMPACTS)], scales[0])
    urgencies = probabilities(scores[:, len(IMPACTS) :], scales[1])
    levels = sorted({priority_pair.priority(i, u) for i in IMPACTS for u in URGENCIES})
    chances = np.zeros((len(written), len(levels)))
    for i, impact in enumerate(IMPACTS):
        for u, urgency in enumerate(URGENCIES):
            chances[:, levels.index(priority_pair.priority(impact, urgency))] += impacts[:, i] * urgencies[:, u]
    guessed, sure = np.array(levels)[chances.argmax(axis=1)], chances.max(axis=1)
    truth = np.array([priority_pair.priority(e.impact, e.urgency) for e in written])
    right, urgent, called = guessed == truth, truth == "urgent", guessed == "urgent"
    lines = [f"from {p}: {np.mean(sure >= p):.2f} of them, {right[sure >= p].mean():.3f} right" for p in _CHANCES]
    ways = f"urgent {right[urgent].mean():.3f} found, {right[called].mean():.3f} right"
    return "\n".join([f"unseen situations: {right.mean():.3f} right; {ways}", *lines])


if __name__ == "__main__":
    main()
