"""P9 and P19: memory of a desk that has seen thousands of mails, and how much it grows with thousands more.

It takes a lab, and returns lines. A desk that has just started is small in any case; what counts is the one that runs
for months.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import desks, mails, processes
from benchmarks.desks import ACKNOWLEDGED, POSTGRESQL, SQLITE, Desk
from benchmarks.figures import Line
from benchmarks.lab import Lab
from benchmarks.measures.idle_figures import supervised
from desk.config.settings import read
from storage.db.session import Database
from storage.open_store import database_url

FULL, MORE = 5_000, 15_000
"""Mails that a desk has seen before its memory is measured, and before it is measured again."""
LOAD = 1_000
SESSIONS = 20
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Grown:
    """Bytes of each process, first and later."""

    full: Mapping[str, int]
    more: Mapping[str, int]

    @property
    def percent(self) -> float:
        return 100 * (sum(self.more.values()) / sum(self.full.values()) - 1)


def gateway_and_worker(lab: Lab) -> list[Line]:
    """P9 on both databases."""
    lines = []
    for kind, word in ((POSTGRESQL, "PostgreSQL"), (SQLITE, "SQLite")):
        with desks.running(lab, kind, ACKNOWLEDGED) as desk:
            _receive(lab, desk, FULL)
            sizes = processes.pss_by_program(desk.pids["gateway"] + desk.pids["workers"])
        what = f"gateway and worker with their sandboxes, after {FULL:,} mails, {word}"
        lines.append(Line("P9", what, round(sum(sizes.values()) / _MB, 1), "P9", _megabytes(sizes)))
    return lines


def up(lab: Lab) -> list[Line]:
    """P19: all of `frontdesk up`, the embedded default."""
    rounds = [_grow(lab) for _ in range(lab.rounds)]
    middle = sorted(rounds, key=lambda one: sum(one.full.values()))[len(rounds) // 2]
    size, percent = sum(middle.full.values()) / _MB, statistics.median(one.percent for one in rounds)
    return [
        Line("P19", f"all of `frontdesk up`, after {FULL:,} mails", round(size, 1), "P19", _megabytes(middle.full)),
        Line("P19", f"growth from {FULL:,} to {MORE:,}", round(percent, 1), "P19 growth", _megabytes(middle.more)),
    ]


def _grow(lab: Lab) -> Grown:
    folder = lab.new_folder()
    environ = desks.variables(folder)
    del environ["FRONTDESK_REDIS_URL"], environ["FRONTDESK_DATABASE_URL"]
    desks.prepare(read(environ, {}), notices=True)
    with supervised(folder, environ) as (pid, smtp):
        database = Database(database_url(read(environ, {})))
        desk = Desk(lab, SQLITE, folder, database, smtp, {"everything": [pid]})
        try:
            _receive(lab, desk, FULL)
            full = processes.pss_by_program([pid])
            _receive(lab, desk, MORE - FULL)
            return Grown(full, processes.pss_by_program([pid]))
        finally:
            database.close()


def _receive(lab: Lab, desk: Desk, count: int) -> None:
    """So many mails, some at a time, each of which is done before the next come."""
    for _ in range(0, count, LOAD):
        lab.send(desk.smtp, mails.plain(min(LOAD, count), next(lab.seeds)), SESSIONS)
        desk.wait_quiet()


def _megabytes(sizes: Mapping[str, int]) -> dict[str, float]:
    return {name: round(size / _MB, 1) for name, size in sorted(sizes.items())}
