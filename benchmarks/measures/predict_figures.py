"""P13: the category of one message, beside scikit-learn's own pipeline with the same features, weights and cleaning.

It takes how many rounds, and returns lines. It raises where the two do not give the same probabilities: then neither
time means anything. Both are asked in turn, message by message, and the CPU of this thread is counted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.figures import Line
from classifier.starter import examples, shipped
from tests.classifier.sklearn_pipeline import pipeline_of

_MESSAGES = 150
_MAIL = "{subject}\n\nHello team,\n\n{subject}, since this morning. Could you have a look?\n\nBest regards,\nAda Byron"


def measure(rounds: int) -> list[Line]:
    model = shipped()
    pipeline = pipeline_of(model)
    texts = examples()[0][:: max(1, len(examples()[0]) // _MESSAGES)][:_MESSAGES]
    mails = [_MAIL.format(subject=text) for text in texts]
    apart = float(np.abs(model.predict_proba(mails) - pipeline.predict_proba(mails)).max())
    if apart > 1e-6:
        raise AssertionError(f"the probabilities differ from scikit-learn's by {apart}")
    ratios, ours, theirs = [], [], []
    for mail in mails * max(1, rounds):
        ours.append(_cpu(model.predict_proba, mail))
        theirs.append(_cpu(pipeline.predict_proba, mail))
        ratios.append(ours[-1] / theirs[-1])
    detail = {
        "ms": round(1000 * statistics.median(ours), 3),
        "scikit-learn_ms": round(1000 * statistics.median(theirs), 3),
        "p95_ms": round(1000 * float(np.quantile(ours, 0.95)), 3),
        "largest_difference": f"{apart:.0e}",
    }
    return [Line("P13", "category of one message, same answers", round(statistics.median(ratios), 3), "P13", detail)]


def _cpu(ask: Callable[[list[str]], object], mail: str) -> float:
    begun = time.thread_time()
    ask([mail])
    return time.thread_time() - begun
