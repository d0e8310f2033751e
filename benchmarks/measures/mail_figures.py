"""P1, P2, P3, P5 and P10: what a mail costs and how many go through, out of one set of interleaved rounds.

It takes a lab and the figures that are wanted, and returns lines. Wall rates move with the machine, the CPU beside
them hardly.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence
from typing import Any

from benchmarks import loads
from benchmarks.figures import Line
from benchmarks.lab import Lab, median_ratio
from benchmarks.loads import Run
from benchmarks.rival import Missing, python

Rounds = dict[str, list[Run]]

_NEEDS = {
    "P1": ("null", "accept/postgresql", "accept/sqlite", "kept/null", "kept/postgresql"),
    "P2": ("null", "letters/postgresql", "tickets/postgresql", "letters/sqlite", "tickets/sqlite"),
    "P3": ("tickets/postgresql", "letters/postgresql", "django-helpdesk"),
    "P5": ("tickets/postgresql", "tickets/sqlite", "letters/postgresql", "letters/sqlite", "notices/postgresql"),
    "P10": ("files/postgresql", "django-helpdesk/files"),
}
_WORDS = {
    "accept/postgresql": "PostgreSQL",
    "accept/sqlite": "SQLite",
    "tickets/postgresql": "PostgreSQL, no letters",
    "tickets/sqlite": "SQLite, no letters",
    "letters/postgresql": "PostgreSQL, acknowledgements written and kept",
    "letters/sqlite": "SQLite, acknowledgements written and kept",
    "notices/postgresql": "PostgreSQL, acknowledgements and a notice of each mail to one agent",
}
FIGURES = tuple(_NEEDS)


def measure(lab: Lab, wanted: Collection[str]) -> list[Line]:
    """All wanted figures that come from mails sent."""
    needed = {name for figure in wanted for name in _NEEDS.get(figure, ())}
    if not needed:
        return []
    why = _why_no_rival() if any("django" in name for name in needed) else ""
    done = loads.rounds(lab, {name for name in needed if not (why and "django" in name)})
    makers: dict[str, Callable[[], list[Line]]] = {
        "P1": lambda: _accepting(done),
        "P2": lambda: _sustained(done),
        "P3": lambda: _beside_the_rival(done, why),
        "P5": lambda: _cost(done),
        "P10": lambda: _files(done, why),
    }
    return [line for figure, make in makers.items() if figure in wanted for line in make()]


def _why_no_rival() -> str:
    try:
        python()
    except (Missing, OSError) as error:
        return str(error)
    return ""


def _accepting(done: Rounds) -> list[Line]:
    lines = []
    for name in ("accept/postgresql", "accept/sqlite"):
        lines.append(_of_null(done, "P1", name, "accept, committed row, 50 sessions, " + _WORDS[name], _accept))
    kept = _of_null(done, "P1", "kept/postgresql", "the same on kept connections, PostgreSQL", _accept, "kept/null")
    return [*lines, Line(kept.figure, kept.what, kept.value, "", kept.detail, "of null")]


def _sustained(done: Rounds) -> list[Line]:
    names = ("tickets/postgresql", "letters/postgresql", "tickets/sqlite", "letters/sqlite")
    return [_of_null(done, "P2", name, f"first mail to last ticket, {_WORDS[name]}", _ticket) for name in names]


def _of_null(done: Rounds, figure: str, name: str, what: str, rate: Callable[[Run], float], null: str = "null") -> Line:
    ours, theirs = done[name], done[null]
    detail = {
        "mails_a_second": _median(ours, rate),
        "null_mails_a_second": _median(theirs, rate),
        "cpu_ratio": round(median_ratio([r.cpu_a_mail for r in theirs], [r.cpu_a_mail for r in ours]), 3),
        "cpu_ms": _parts(ours),
    }
    if rate is _ticket:
        detail["accepted_a_second"] = _median(ours, _accept)
        detail["with_reactions_a_second"] = _median(ours, lambda run: run.mails / run.quiet)
    value = median_ratio([rate(run) for run in ours], [rate(run) for run in theirs])
    return Line(figure, what, round(value, 3), figure, detail)


def _beside_the_rival(done: Rounds, why: str) -> list[Line]:
    if why:
        return [Line("P3", "django-helpdesk 2.6.1 could not be installed", None, "P3", {"why": why})]
    lines = []
    theirs = done["django-helpdesk"]
    for name in ("letters/postgresql", "tickets/postgresql"):
        ours = done[name]
        detail = {
            "tickets_a_second": _median(ours, _ticket),
            "django_helpdesk_a_second": _median(theirs, _ticket),
            "cpu_ratio": round(median_ratio([r.cpu_a_mail for r in theirs], [r.cpu_a_mail for r in ours]), 2),
            "django_helpdesk_cpu_ms": _parts(theirs),
            "django_helpdesk_parses": round(statistics.median(run.parses for run in theirs), 1),
        }
        value = median_ratio([run.ticket_rate for run in ours], [run.ticket_rate for run in theirs])
        lines.append(Line("P3", f"SMTP to ticket / django-helpdesk, {_WORDS[name]}", round(value, 2), "P3", detail))
    return lines


def _cost(done: Rounds) -> list[Line]:
    lines = []
    for name in _NEEDS["P5"]:
        runs = done[name]
        parses = statistics.median(run.parses for run in runs)
        detail = {
            "cpu_ms": _parts(runs),
            "sum_ms": round(1000 * statistics.median(run.cpu_a_mail for run in runs), 2),
            "parse_ms": round(1000 * statistics.median(run.parse for run in runs), 3),
        }
        lines.append(Line("P5", f"CPU of everything a mail, {_WORDS[name]}", round(parses, 2), "P5", detail))
    return lines


def _files(done: Rounds, why: str) -> list[Line]:
    if why:
        return [Line("P10", "django-helpdesk 2.6.1 could not be installed", None, "P10", {"why": why})]
    ours, theirs = done["files/postgresql"], done["django-helpdesk/files"]
    detail = {
        "cpu_ms": _parts(ours),
        "django_helpdesk_cpu_ms": _parts(theirs),
        "tickets_a_second": _median(ours, _ticket),
    }
    value = median_ratio([run.cpu_a_mail for run in ours], [run.cpu_a_mail for run in theirs])
    return [Line("P10", "CPU of a mail with a file of 200 kB, PostgreSQL", round(value, 3), "P10", detail)]


def _accept(run: Run) -> float:
    return run.accept_rate


def _ticket(run: Run) -> float:
    return run.ticket_rate


def _median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return round(statistics.median(of(run) for run in runs))


def _parts(runs: Sequence[Run]) -> dict[str, Any]:
    """CPU milliseconds of a mail by kind of process."""
    return {name: round(1000 * statistics.median(r.cpu[name] / r.mails for r in runs), 2) for name in runs[0].cpu}
