"""One load on one kind of server: 1,000 mails by 50 sessions, what it took on the wall and in CPU. Many figures use it.

It takes a lab and the name of a variant, and returns Runs, in interleaved rounds.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks import desks, mails, processes, rival
from benchmarks.desks import ACKNOWLEDGED, NO_LETTERS, POSTGRESQL, SQLITE
from benchmarks.lab import ROOT, Lab, in_turn, parse_seconds
from tests.components import dies_with_us

WARM = 200
PARSED = 300


@dataclass(frozen=True, slots=True)
class Run:
    """What one load took: seconds until all mails were accepted, settled and reacted to; CPU by kind of process."""

    mails: int
    accepted: float
    settled: float
    quiet: float
    cpu: Mapping[str, float]
    parse: float

    @property
    def accept_rate(self) -> float:
        return self.mails / self.accepted

    @property
    def ticket_rate(self) -> float:
        return self.mails / self.settled

    @property
    def cpu_a_mail(self) -> float:
        return sum(self.cpu.values()) / self.mails

    @property
    def parses(self) -> float:
        """CPU of a mail as a multiple of one parse by the standard library."""
        return self.cpu_a_mail / self.parse

    def as_json(self) -> dict[str, Any]:
        return {key: _rounded(value) for key, value in asdict(self).items()}


def rounds(lab: Lab, wanted: Iterable[str]) -> dict[str, list[Run]]:
    """Run the wanted variants in turn; their names are those of VARIANTS."""
    return in_turn(lab.rounds, {name: partial(VARIANTS[name], lab) for name in VARIANTS if name in set(wanted)})


def null(lab: Lab, *, kept: bool = False) -> Run:
    """aiosmtpd that keeps nothing."""
    command = [sys.executable, "-m", "benchmarks.null_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=dies_with_us()) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            lab.send(address, mails.plain(WARM, next(lab.seeds)), kept=kept)
            load = mails.plain(lab.mails, next(lab.seeds))
            before, unit = processes.cpu_seconds(server.pid), parse_seconds(load[:PARSED])
            took = lab.send(address, load, kept=kept).seconds
            used = processes.cpu_seconds(server.pid) - before
        finally:
            server.terminate()
    return Run(len(load), took, took, took, {"null": used}, unit)


def accepting(lab: Lab, kind: str, *, kept: bool = False) -> Run:
    """The gateway with a committed row for each mail, and no worker."""
    with desks.running(lab, kind, {}, workers=0) as desk:
        lab.send(desk.smtp, mails.plain(WARM, next(lab.seeds)), kept=kept)
        load = mails.plain(lab.mails, next(lab.seeds))
        unit, before = parse_seconds(load[:PARSED]), desk.cpu()
        took = lab.send(desk.smtp, load, kept=kept).seconds
        return Run(len(load), took, took, took, _since(before, desk.cpu()), unit)


def working(lab: Lab, kind: str, settings: Mapping[str, str], *, notices: bool = False, files: bool = False) -> Run:
    """Gateway and worker together, until everything that the mails caused is done."""
    make = mails.with_files if files else mails.plain
    with desks.running(lab, kind, settings, notices=notices) as desk:
        lab.send(desk.smtp, make(WARM // 4 if files else WARM, next(lab.seeds)))
        desk.wait_quiet()
        load = make(lab.mails // 10 if files else lab.mails, next(lab.seeds))
        unit, before = parse_seconds(load[:PARSED]), desk.cpu()
        sent = lab.send(desk.smtp, load)
        settled = desk.wait_settled() - sent.began
        quiet = desk.wait_quiet() - sent.began
        used = _since(before, desk.cpu())
        return Run(len(load), sent.seconds, max(settled, sent.seconds), quiet, used, unit)


def django_helpdesk(lab: Lab, *, files: bool = False) -> Run:
    """The same mails in one warm process of django-helpdesk, without any SMTP."""
    make = mails.with_files if files else mails.plain
    load = make(lab.mails // 10 if files else lab.mails, next(lab.seeds))
    unit = parse_seconds(load[:PARSED])
    took, app, database = rival.feed(lab, make(WARM // 4, next(lab.seeds)), load)
    return Run(len(load), took, took, took, {"django-helpdesk": app, "postgresql": database}, unit)


def _since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 6) if isinstance(value, float) else value


VARIANTS: dict[str, Callable[[Lab], Run]] = {
    "null": null,
    "accept/postgresql": partial(accepting, kind=POSTGRESQL),
    "accept/sqlite": partial(accepting, kind=SQLITE),
    "kept/null": partial(null, kept=True),
    "kept/postgresql": partial(accepting, kind=POSTGRESQL, kept=True),
    "tickets/postgresql": partial(working, kind=POSTGRESQL, settings=NO_LETTERS),
    "tickets/sqlite": partial(working, kind=SQLITE, settings=NO_LETTERS),
    "letters/postgresql": partial(working, kind=POSTGRESQL, settings=ACKNOWLEDGED),
    "letters/sqlite": partial(working, kind=SQLITE, settings=ACKNOWLEDGED),
    "notices/postgresql": partial(working, kind=POSTGRESQL, settings=ACKNOWLEDGED, notices=True),
    "files/postgresql": partial(working, kind=POSTGRESQL, settings=NO_LETTERS, files=True),
    "django-helpdesk": django_helpdesk,
    "django-helpdesk/files": partial(django_helpdesk, files=True),
}
"""`tickets` writes no letters, `letters` writes acknowledgements, `notices` also tells one agent of each mail."""
