"""P12: how many mails are accepted when every COMMIT takes 5 ms longer, beside the same without.

It takes a lab, and returns lines. Both go through the same proxy, so only the delay differs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks import desks, mails
from benchmarks.desks import POSTGRESQL
from benchmarks.figures import Line
from benchmarks.lab import ROOT, Lab, in_turn, median_ratio
from benchmarks.loads import WARM
from tests.components import dies_with_us

DELAY_MS = 5


def measure(lab: Lab) -> list[Line]:
    variants = {"commits as they are": partial(_rate, lab, 0), "commits held up": partial(_rate, lab, DELAY_MS)}
    plain, delayed = in_turn(lab.rounds, variants).values()
    detail = {"mails_a_second": round(statistics.median(delayed)), "without": round(statistics.median(plain))}
    value = round(median_ratio(delayed, plain), 3)
    return [Line("P12", f"accept, 50 sessions, {DELAY_MS} ms more a COMMIT, PostgreSQL", value, "P12", detail)]


def _rate(lab: Lab, delay: int) -> float:
    with _proxy(lab, delay) as port, desks.running(lab, POSTGRESQL, {}, workers=0, proxy=port) as desk:
        lab.send(desk.smtp, mails.plain(WARM, next(lab.seeds)))
        load = mails.plain(lab.mails, next(lab.seeds))
        return len(load) / lab.send(desk.smtp, load).seconds


@contextmanager
def _proxy(lab: Lab, delay: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.slow_commits", str(lab.postgres.port), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=dies_with_us()) as proxy:
        assert proxy.stdout is not None
        try:
            yield proxy.stdout.readline().strip()
        finally:
            proxy.terminate()
