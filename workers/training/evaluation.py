"""Evaluates a new model: trained on the older examples, measured on the newest ones, compared with the model in use.

The result says whether the model may take over and why, with a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from classifier import starter
from classifier.evaluate import macro_f1, report
from classifier.model import Categoriser
from desk.learning import learning
from desk.learning.learning import Chosen, Example, Figures
from desk.text.language import language

Examples = tuple[list[str], list[str | None]]


@dataclass(frozen=True)
class TrainingData:
    """The desk's examples, and the admin's categories: retired ones, and those with a description."""

    chosen: Chosen
    retired: frozenset[str]
    words: Mapping[str, str]
    last_correction_id: int
    absent: frozenset[str] = frozenset()
    """Categories of the starter that a desk of this kind does not have, unless agents use them."""

    @cached_property
    def without(self) -> frozenset[str]:
        """Categories of the starter that are not learned: retired ones, and those that this desk does not use."""
        foreign = learning.not_this_desks(starter.hints(), self.chosen.examples)
        absent = self.absent - {example.category for example in self.chosen.examples}
        return self.retired | ((foreign | absent) - set(self.words))

    @property
    def hints(self) -> dict[str, str]:
        """Words for labels: the starter's, and the admin's over them."""
        kept = {name: text for name, text in starter.hints().items() if name not in self.without}
        return kept | {name: f"{name} {text}".strip() for name, text in self.words.items()}

    def everything(self) -> Examples:
        return self.with_starter(self.chosen.examples)

    def with_starter(self, examples: Sequence[Example]) -> Examples:
        """The starter's examples and these."""
        texts, names = starter.examples()
        kept = [(text, name) for text, name in zip(texts, names, strict=True) if name not in self.without]
        own = [(one.text, one.category) for one in examples]
        return [text for text, _ in (*kept, *own)], [name for _, name in (*kept, *own)]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation, its reason and its report."""

    promote: bool
    reason: str
    report: dict[str, Any]


def evaluate(material: TrainingData, old: tuple[Categoriser | None, int], next_stage: Callable[[], None]) -> Evaluation:
    """Trains on the older part and measures on the newest; with too few examples nothing is trained."""
    learn, newest = learning.split(material.chosen.examples)
    facts = _facts(material)
    if not newest:
        promote, reason = learning.verdict(Figures(len(newest), 0.0), None)
        next_stage()
        return Evaluation(promote, reason, facts)
    trial = Categoriser(version="trial").fit_hints(*material.with_starter(learn), material.hints)
    next_stage()
    return _measured(trial, old, newest, facts)


def _measured(
    trial: Categoriser, old: tuple[Categoriser | None, int], newest: Sequence[Example], facts: dict[str, Any]
) -> Evaluation:
    texts, truth = [one.text for one in newest], [one.category for one in newest]
    before = [str(name) for name in old[0].predict(texts)] if old[0] is not None else None
    chances = trial.predict_proba(texts)
    beside = {"previous model": before} if before else {}
    found = report(trial.classes_.tolist(), chances, truth, trial.parts.thresholds, beside)
    said = [str(name) for name in trial.classes_[chances.argmax(axis=1)]]
    # The old model may know some of these examples; only those that neither has learned from compare fairly.
    fair = [place for place, one in enumerate(newest) if one.correction_id > old[1]]
    new_figures = _figures(said, truth, fair, found.calibration_error, len(newest))
    old_figures = _figures(before, truth, fair, 0.0, 0) if before else None
    promote, reason = learning.verdict(new_figures, old_figures)
    judged = {"on": len(newest), "fair": len(fair), "tickets": [one.ticket_id for one in newest][:500]}
    more = {"evaluation": found.to_json(), "judged": judged, "languages": _languages(texts, said, truth)}
    return Evaluation(promote, reason, facts | more)


def _figures(
    said: Sequence[str], truth: Sequence[str], places: Sequence[int], error: float, calibrated_on: int
) -> Figures:
    f1 = macro_f1([truth[n] for n in places], [said[n] for n in places])
    return Figures(len(places), f1, error, calibrated_on)


def _facts(material: TrainingData) -> dict[str, Any]:
    examples, chosen = material.chosen.examples, material.chosen
    return {
        "said": sum(one.said for one in examples),
        "silent": sum(not one.said for one in examples),
        "left_out": dict(chosen.left_out),
        "capped": list(chosen.capped),
        "without": sorted(material.without),
        "hinted": sorted(material.words),
        "mix": dict(Counter(one.category for one in examples).most_common()),
    }


def _languages(texts: Sequence[str], said: Sequence[str], truth: Sequence[str]) -> dict[str, dict[str, float]]:
    """How many texts of each language there were, and how many were right."""
    count: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for text, guess, true in zip(texts, said, truth, strict=True):
        name = language(text) or "unknown"
        count[name] += 1
        right[name] += guess == true
    return {name: {"count": n, "accuracy": right[name] / n} for name, n in count.most_common()}


def markdown(version: str, reason: str, facts: Mapping[str, Any]) -> str:
    """The report as Markdown, stored beside the model's files."""
    lines = [f"# Model {version}", "", f"{reason[:1].upper()}{reason[1:]}.", ""]
    lines += [f"- examples: {facts['said']} said by agents, {facts['silent']} never contradicted"]
    lines += [f"- left out: {count} ({why})" for why, count in facts["left_out"].items()]
    lines += [f"- capped: {who}" for who in facts["capped"]]
    lines += [f"- categories of the starter that this desk does not use: {len(facts['without'])}"]
    found = facts.get("evaluation")
    if found:
        lines += [f"- measured on the newest {found['count']} words of agents", "", "| measure | value |", "|---|---|"]
        names = ("accuracy", "macro_f1", "calibration_error", "coverage", "automatic", "automatic_precision")
        lines += [f"| {name.replace('_', ' ')} | {_number(found[name])} |" for name in names]
        lines += [f"| accuracy of the {one['name']} | {_number(one['accuracy'])} |" for one in found["beside"]]
        lines += ["", "| truth | taken for | how often |", "|---|---|---|"]
        lines += [f"| {one['truth']} | {one['guessed']} | {one['count']} |" for one in found["confusions"]]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
