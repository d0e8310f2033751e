"""P7 and P17: an idle desk's delay and cost, and how soon `frontdesk up` has its first ticket.

It takes a lab, and returns lines. One mail at a time, a fraction of a second apart, so that each finds everybody
asleep.
"""

from __future__ import annotations

import random
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import desks, mails
from benchmarks.desks import ACKNOWLEDGED, POSTGRESQL, SQLITE, Desk
from benchmarks.figures import Line
from benchmarks.lab import ROOT, Lab, in_turn
from benchmarks.mails import MAILBOX, Mail
from desk.config.settings import read
from storage.db.session import Database
from storage.open_store import database_url
from tests.components import dies_with_us

MAILS = 30
PAUSE = 0.3
IDLE_SECONDS = 10.0
FULL = 200
"""Mails that a desk has seen before its idle CPU is measured."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Milliseconds from the 250 to the ticket, and idle CPU in percent of a core."""

    delays: list[float]
    cpu: float
    by_process: dict[str, float]


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the command to the first ticket; idle CPU in percent."""

    seconds: float
    cpu: float


def delays(lab: Lab) -> list[Line]:
    """P7 on both databases."""
    done = in_turn(1, {kind: partial(_idle, lab, kind) for kind in (POSTGRESQL, SQLITE)})
    lines = []
    for kind, (idle,) in done.items():
        word = "PostgreSQL" if kind == POSTGRESQL else "SQLite"
        ordered = sorted(idle.delays)
        p95 = ordered[int(len(ordered) * 0.95)]
        detail = {"median_ms": round(statistics.median(ordered), 1), "most_ms": round(ordered[-1], 1)}
        lines.append(Line("P7", f"idle: 250 to the committed ticket, p95, {word}", round(p95, 1), "P7", detail))
        what = f"idle CPU of gateway, worker, queue and database, {word}"
        lines.append(Line("P7", what, round(idle.cpu, 2), "P7 idle", idle.by_process))
    return lines


def up(lab: Lab, wanted: set[str]) -> list[Line]:
    """P7 and P17 of `frontdesk up`, the embedded default, on a data folder that was used before."""
    folder = lab.new_folder()
    environ = desks.variables(folder)
    del environ["FRONTDESK_REDIS_URL"], environ["FRONTDESK_DATABASE_URL"]
    desks.prepare(read(environ, {}), notices=True)
    starts = in_turn(lab.rounds, {"frontdesk up": lambda: _start(lab, folder, environ)})["frontdesk up"]
    lines = []
    if "P7" in wanted:
        cpu = statistics.median(start.cpu for start in starts)
        lines.append(Line("P7", "idle CPU of all of `frontdesk up`", round(cpu, 2), "P7 idle"))
    if "P17" in wanted:
        seconds = statistics.median(start.seconds for start in starts)
        lines.append(Line("P17", "`frontdesk up` to the first ticket", round(seconds, 2), "P17"))
    return lines


def _idle(lab: Lab, kind: str) -> Idle:
    with desks.running(lab, kind, ACKNOWLEDGED) as desk:
        load = mails.plain(MAILS + 5, next(lab.seeds))
        for mail in load[:5]:
            _delay(desk, mail)
        desk.wait_quiet()
        measured = [_delay(desk, mail) for mail in load[5:]]
        desk.wait_quiet()
        time.sleep(1.0)
        before, began = desk.cpu(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        after, took = desk.cpu(), time.monotonic() - began
        parts = {name: round(100 * (after[name] - before[name]) / took, 2) for name in after}
        return Idle(measured, sum(parts.values()), parts)


def _delay(desk: Desk, mail: Mail) -> float:
    """Milliseconds from the 250 until the request is settled."""
    time.sleep(PAUSE + random.random() * 0.1)
    with _connected(desk.smtp) as client:
        client.sendmail(mail.sender, [MAILBOX], mail.raw)
        answered = time.monotonic()
        return max(0.0, 1000 * (desk.wait_settled(look=0.001) - answered))


def _connected(address: str) -> smtplib.SMTP:
    host, _, port = address.rpartition(":")
    return smtplib.SMTP(host, int(port), timeout=30)


def _start(lab: Lab, folder: Path, environ: dict[str, str]) -> Start:
    began = time.monotonic()
    with supervised(folder, environ) as (pid, smtp):
        database = Database(database_url(read(environ, {})))
        desk = Desk(lab, SQLITE, folder, database, smtp, {"everything": [pid]})
        load = mails.plain(FULL, next(lab.seeds))
        with _connected(smtp) as client:
            client.sendmail(load[0].sender, [MAILBOX], load[0].raw)
        seconds = desk.wait_settled(look=0.005) - began
        lab.send(smtp, load[1:], 10)
        desk.wait_quiet()
        cpu = _idle_cpu(desk.cpu)
        found = Start(seconds, cpu)
        database.close()
        return found


def _idle_cpu(cpu: Callable[[], dict[str, float]]) -> float:
    time.sleep(1.0)
    before, began = sum(cpu().values()), time.monotonic()
    time.sleep(IDLE_SECONDS / 2)
    return 100 * (sum(cpu().values()) - before) / (time.monotonic() - began)


@contextmanager
def supervised(folder: Path, environ: dict[str, str]) -> Iterator[tuple[int, str]]:
    """`frontdesk up`: its id, and where it says that SMTP is."""
    command = [sys.executable, str(ROOT / "frontdesk.py"), "up"]
    with (
        (folder / "up.log").open("wb") as log,
        subprocess.Popen(
            command,
            env=desks.clean(environ),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=dies_with_us(),
        ) as started,
    ):
        assert started.stdout is not None
        try:
            smtp = next((line.split()[1] for line in started.stdout if line.startswith("SMTP")), "")
            if not smtp:
                raise RuntimeError(f"frontdesk up did not start:\n{(folder / 'up.log').read_text()[-2000:]}")
            yield started.pid, smtp
        finally:
            started.terminate()
            started.communicate()
