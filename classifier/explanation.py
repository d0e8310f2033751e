"""Why a text gets its category: the guess, and the weight of every word for it or against it."""

from __future__ import annotations

from typing import Any

from classifier.model import Categoriser


def explanation(model: Categoriser, text: str, category: str = "") -> dict[str, Any]:
    """The guess, and every word's weight for it (or for the category that was asked for)."""
    (guess,) = model.guess([text])
    named = category or guess.category or guess.runners_up[0][0]
    weights = model.explain(text, named)
    first = [(guess.category, guess.probability)] if guess.category else []
    return {
        "category": named,
        "outcome": guess.outcome,
        "probability": guess.probability if not category else None,
        "likely": [list(pair) for pair in (*first, *guess.runners_up)],
        "words_for": [[word, weight] for word, weight in weights if weight > 0],
        "words_against": [[word, weight] for word, weight in reversed(weights) if weight < 0],
        "model_version": guess.model_version,
    }
