"""Accuracy figures: by week, category and language, confusions, calibration, and baselines.

They are computed from `storage/learning/accuracy.py`; page, API and command show the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from classifier import evaluate
from desk.learning.model_standing import standing
from storage.db.session import Session
from storage.learning import accuracy, models
from storage.learning.accuracy import BY_AGENT, EvaluatedGuess
from storage.learning.priority_overrides import priority_changes
from storage.runtime import key_values

WEEKS = 12
_OUTCOMES = ("automatic", "suggest", "unsure")
_MOST = 20


def accuracy_report(session: Session, now: datetime, weeks: int = WEEKS) -> dict[str, Any]:
    """All figures of the accuracy page."""
    since = accuracy.weeks_before(now, weeks - 1)
    facts = accuracy.load_guesses(session, since)
    active = models.active_model(session)
    mix = dict(active.report.get("mix", {})) if active else {}
    spoken = [fact for fact in facts if fact.truth_from == BY_AGENT]
    return {
        "model": _model(active),
        "weeks": by_week(facts, mix),
        "all": summed(facts),
        "categories": by_category(spoken),
        "languages": by_language(spoken),
        "confusions": _confusions(spoken),
        "reliability": reliability(facts),
        "worst": _worst(facts),
        "beside": baselines(spoken),
        "priorities": [
            {"desk_said": predicted, "agents_made": corrected, "tickets": count}
            for predicted, corrected, count in priority_changes(session, since)
        ],
        "capped_at": accuracy.MOST if len(facts) >= accuracy.MOST else None,
        "training": key_values.get(session, key_values.PROGRESS),
        "asked": key_values.get(session, key_values.ASKED),
    }


def _model(active: models.Model | None) -> dict[str, Any] | None:
    """The active model and its description."""
    if active is None:
        return None
    return {"version": active.version} | asdict(standing(active.made_by, active.report))


def by_week(facts: Sequence[EvaluatedGuess], mix: Mapping[str, int]) -> list[dict[str, Any]]:
    """Oldest week first; `drift` compares the categories of the week with those of the training data."""
    weeks: dict[str, list[EvaluatedGuess]] = {}
    for fact in facts:
        weeks.setdefault(f"{fact.at - timedelta(days=fact.at.weekday()):%Y-%m-%d}", []).append(fact)
    return [{"week": week} | summed(group) | {"drift": drift(group, mix)} for week, group in sorted(weeks.items())]


def summed(facts: Sequence[EvaluatedGuess]) -> dict[str, Any]:
    """Shares of the three outcomes, and how many were right as far as that is known."""
    outcomes = Counter(fact.outcome for fact in facts)
    automatic = [fact for fact in facts if fact.outcome == "automatic"]
    settled = [fact for fact in automatic if fact.truth is not None]
    labelled = [fact for fact in facts if fact.truth_from == BY_AGENT]
    return {
        "count": len(facts),
        **{name: outcomes[name] for name in _OUTCOMES},
        "by_rule": sum(bool(fact.rule) for fact in facts),
        "automatic_known": len(settled),
        "automatic_said": sum(fact.truth_from == BY_AGENT for fact in settled),
        "automatic_corrected": sum(fact.right is False for fact in settled),
        "automatic_accuracy": share(sum(fact.right is True for fact in settled), len(settled)),
        "said": len(labelled),
        "first_guess_accuracy": share(sum(fact.right is True for fact in labelled), len(labelled)),
    }


def drift(found: Sequence[EvaluatedGuess], mix: Mapping[str, int]) -> float | None:
    """Half the sum of differences between two distributions: 0 if equal, 1 if disjoint."""
    if not mix or not found:
        return None
    here = Counter(fact.truth or fact.guessed for fact in found)
    learned = sum(mix.values())
    names = set(here) | set(mix)
    return sum(abs(here[name] / len(found) - mix.get(name, 0) / learned) for name in names) / 2


def by_category(labelled: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    """Recall and precision of each category by labels of agents, the most frequent first."""
    truth, guessed = Counter(fact.truth or "" for fact in labelled), Counter(fact.guessed for fact in labelled)
    right = Counter(fact.guessed for fact in labelled if fact.right)
    rows = [
        {
            "category": name,
            "count": truth[name],
            "guessed": guessed[name],
            "precision": share(right[name], guessed[name]),
            "recall": share(right[name], truth[name]),
        }
        for name in truth | guessed
    ]
    return sorted(rows, key=lambda row: (-int(row["count"]), str(row["category"])))


def by_language(labelled: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    count = Counter(fact.language or "unknown" for fact in labelled)
    right = Counter(fact.language or "unknown" for fact in labelled if fact.right)
    return [{"language": name, "count": n, "accuracy": share(right[name], n)} for name, n in count.most_common()]


def reliability(facts: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    """Per tenth of stated probability, how many predictions were right."""
    settled = [fact for fact in facts if fact.truth is not None]
    bins = evaluate.reliability([bool(fact.right) for fact in settled], [fact.probability for fact in settled])  # type: ignore[arg-type]
    return [asdict(one) for one in bins if one.count]


def baselines(labelled: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    """The same tickets predicted by the most frequent category and by keyword rules alone."""
    truth = [fact.truth or "" for fact in labelled]
    ways: dict[str, Sequence[str | None]] = {
        "this desk": [fact.guessed for fact in labelled],
        "keyword rules alone": [fact.rule_category or None for fact in labelled],
        "always the most frequent": evaluate.majority(truth, len(truth)),
    }
    if not truth:
        return []
    return [
        {"name": name, "accuracy": evaluate.accuracy(truth, way), "macro_f1": evaluate.macro_f1(truth, way)}
        for name, way in ways.items()
    ]


def share(part: int, whole: int) -> float | None:
    """None where the total is zero."""
    return part / whole if whole else None


def _confusions(labelled: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    confusions = evaluate.confusions(
        [fact.truth or "" for fact in labelled], [fact.guessed for fact in labelled], _MOST
    )
    return [asdict(one) for one in confusions]


def _worst(facts: Sequence[EvaluatedGuess]) -> list[dict[str, Any]]:
    wrong = sorted((fact for fact in facts if fact.right is False), key=lambda fact: -fact.probability)
    return [asdict(fact) for fact in wrong[:_MOST]]
