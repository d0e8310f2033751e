"""`python -m benchmarks.measures.desk_figures`: P14, P16 and the reports, on a desk of a million tickets.

It takes how many tickets, which databases, a folder to keep them in, and returns lines of the table of all figures,
and a section for `docs/benchmarks.md`: full text with the newest 50, the pages of the console as a browser asks for
them (in this process, signed in), and reports of a month, a quarter, a year, all.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

from starlette.testclient import TestClient

from benchmarks import big_desk, processes
from benchmarks.figures import BOUNDS, Line
from benchmarks.multiply import STRIDE
from benchmarks.report import with_section
from console.routes import create_app
from desk.config.settings import Settings
from desk.reports import period
from storage.open_store import Store, open_store
from storage.people import agent_sessions, people
from storage.reports import report as report_rows
from storage.reports import ticket_rollup as figures_of
from storage.reports.report import ReportQuery
from storage.tickets import full_text
from tests.servers import postgres
from workers.timers import report_rollup

ROUNDS, FEWER, WARM = 40, 12, 3
NEW = 4_000
PERIODS = {"30d": "30 days", "90d": "90 days", "365d": "a year", "800d": "all"}
WORDS = (
    "invoice", "the", "printer toner", "vpn router", "authenticator", "calendar parking", "refund card charged",
    "crash export plugin", "docking", "monitor cable dock", "meeting ro",
)  # fmt: skip
ZONE = "Europe/Berlin"
KEY = "a key of the benchmark, known to everybody"
KINDS = ("SQLite", "PostgreSQL")
_LIMIT = {"P14": 50, "P16": 300, "reports": 2_000}
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@dataclass(slots=True)
class Took:
    """Milliseconds of each time that it was asked, and seconds of CPU for all, those of the database too."""

    wall: list[float] = field(default_factory=list)
    spent: float = 0.0

    def add(self, work: Callable[[], object], count: int) -> None:
        for _ in range(WARM):
            work()
        before = processes.cpu_seconds(os.getpid())
        for _ in range(count):
            began = time.perf_counter()
            work()
            self.wall.append(1000 * (time.perf_counter() - began))
        self.spent += processes.cpu_seconds(os.getpid()) - before

    @property
    def cpu(self) -> float:
        """Milliseconds a time."""
        return 1000 * self.spent / len(self.wall)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def p95(self) -> float:
        return sorted(self.wall)[max(0, round(0.95 * len(self.wall)) - 1)]


def measured(store: Store, now: datetime, count: int) -> dict[str, Took]:
    """What was asked, and how long it took."""
    found = {"P14 full text, newest 50": Took()}
    with store.database.reading() as session:
        for words in WORDS:
            found["P14 full text, newest 50"].add(partial(full_text.find_tickets, session, words, 50), FEWER)
    for name, (path, times) in _pages(random.Random(3), count // big_desk.SMALL).items():
        found[name] = _page(store, now, path, times)
    wishes = [(told, days, ReportQuery()) for days, told in PERIODS.items()]
    wishes.append(("a year, one category", "365d", ReportQuery(category="Hardware")))
    wishes.append(("a year, one category, one priority", "365d", ReportQuery(category="Hardware", priority="high")))
    for told, days, asked in wishes:
        took = found[f"reports: {told}"] = Took()
        took.add(partial(_report, store, period.of_word(days, ZONE, now), asked, now), FEWER)
    return found


def _report(store: Store, days: period.Period, asked: ReportQuery, now: datetime) -> object:
    with store.database.reading() as session:
        return report_rows.report(session, days, asked, now)


def _pages(dice: random.Random, copies: int) -> Mapping[str, tuple[Callable[[], str], int]]:
    return {
        "P16 queue page": (lambda: "/tickets", ROUNDS),
        "P16 queue page, by owner and priority": (
            lambda: f"/tickets?assignee={dice.randrange(1, 25)}&priority=high",
            ROUNDS,
        ),
        "P16 ticket page": (
            lambda: f"/tickets/{dice.randrange(copies) * STRIDE + dice.randrange(1, big_desk.SMALL)}",
            ROUNDS,
        ),
        "P16 search": (lambda: f"/tickets?q={quote(dice.choice(WORDS))}", ROUNDS),
        "P16 report page, 30 days": (lambda: "/reports", ROUNDS),
        "reports: page of 90 days": (lambda: "/reports?period=90d", FEWER),
        "reports: page of a year": (lambda: "/reports?period=365d", FEWER),
    }


def _page(store: Store, now: datetime, path: Callable[[], str], count: int) -> Took:
    app = create_app(store, store.settings, clock=lambda: now)
    with store.database.transaction() as session:
        agent = people.by_address(session, "agent0@bench.example")
        assert agent is not None
        cookie = agent_sessions.begin(session, agent, now)
    with TestClient(app, cookies={"frontdesk": cookie}) as client:

        def ask() -> None:
            answer = client.get(path(), follow_redirects=False)
            assert answer.status_code == 200, answer.text

        took = Took()
        took.add(ask, count)
    return took


def told(
    results: Mapping[str, Mapping[str, Took]], count: int, costs: Mapping[str, tuple[float, float]], load: float
) -> str:
    """The section for the page."""
    kinds = list(results)
    head = f"| asked for | {' | '.join(f'{kind}: median, p95; CPU (ms)' for kind in kinds)} | at most |"
    lines = [head, f"|---|{'---|' * (len(kinds) + 1)}"]
    for name in results[kinds[0]]:
        cells = " | ".join(_cell(found[name]) for found in results.values())
        limit = next((f"{most:,}" for start, most in _LIMIT.items() if name.startswith(start)), "")
        lines.append(f"| {name} | {cells} | {limit} |")
    machine = processes.machine()
    keeping = "; ".join(f"{kind} {new:.2f} and {old:.2f} ms" for kind, (new, old) in costs.items())
    words = (
        f"`python -m benchmarks.measures.desk_figures --count {count}`: {count:,} tickets with a message each over two "
        "years (`benchmarks/big_desk.py`; only the first thousand have a history), of which the figures of the last 14 "
        "days still change. Pages are asked for as a browser does, signed in, in one process; CPU is with that of the "
        "database. Keeping the figures costs, of CPU a ticket, when it is new and when it has its whole history: "
        f"{keeping}."
    )
    ends = (
        f"{datetime.now(UTC):%Y-%m-%d}, on {machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB; "
        f"load of the machine {load:.1f} before and {os.getloadavg()[0]:.1f} after."
    )
    title = f"## A desk of {count:,} tickets"
    return "\n\n".join([title, textwrap.fill(words, 125), "\n".join(lines), ends]) + "\n"


def _cell(took: Took) -> str:
    return f"{took.median:,.0f}, {took.p95:,.0f}; {took.cpu:,.0f}"


def lines(folder: Path | None, count: int) -> list[Line]:
    """P14 and P16 for the table of all figures: the p95 of each, on each database."""
    made = []
    for kind, (found, _) in _all(folder, count, KINDS).items():
        for name, took in found.items():
            figure, _, what = name.partition(" ")
            if figure in BOUNDS:
                detail = {"median_ms": round(took.median, 1), "cpu_ms": round(took.cpu, 1)}
                made.append(Line(figure, f"{what}, {count:,} tickets, {kind}", round(took.p95, 1), figure, detail))
    return made


def _all(
    folder: Path | None, count: int, kinds: Sequence[str]
) -> dict[str, tuple[dict[str, Took], tuple[float, float]]]:
    """Database → what was measured, and what keeping the figures costs."""
    found = {}
    for kind in kinds:
        with ExitStack() as stack:
            store, now = _desk(kind, folder or _new_folder(stack), count, stack)
            found[kind] = measured(store, now, count), _counted(store, now)
    return found


def _new_folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-desk-")))


def _counted(store: Store, now: datetime) -> tuple[float, float]:
    """Milliseconds of CPU, with the database's, that figures cost: of a new ticket, of one with its whole history."""
    report_rollup.catch_up(store, now + 2 * figures_of.SETTLED)
    numbers = big_desk.arrive(store, NEW, now)
    before = processes.cpu_seconds(os.getpid())
    done = report_rollup.catch_up(store, now + 2 * figures_of.SETTLED)
    assert done >= len(numbers), done
    new = 1000 * (processes.cpu_seconds(os.getpid()) - before) / done
    before = processes.cpu_seconds(os.getpid())
    with store.database.reading() as session:
        counted = figures_of.count_figures(session, figures_of.next_ticket_ids(session, 0, big_desk.SMALL))
    with store.database.transaction() as session:
        figures_of.lock_floor(session)
        figures_of.save(session, counted, now)
    return new, 1000 * (processes.cpu_seconds(os.getpid()) - before) / len(counted)


def _desk(kind: str, folder: Path, count: int, stack: ExitStack) -> tuple[Store, datetime]:
    """The desk, made or found in the folder, and the moment at which it is looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    # PostgreSQL runs as somebody else, who has to pass through.
    folder.chmod(0o755)
    url = _url(kind, folder, stack)
    settings = Settings(data_dir=str(folder / kind), database_url=url, secret_key=KEY, time_zone=ZONE)
    store = open_store(settings, migrate=True)
    stack.callback(store.close)
    made = folder / f"{kind}.made"
    if not made.exists():
        now = datetime.now(UTC)
        began = time.perf_counter()
        big_desk.furnish(store, count, now)
        print(f"{kind}: {count:,} tickets made in {time.perf_counter() - began:,.0f} s", file=sys.stderr)
        made.write_text(now.isoformat())
    return store, datetime.fromisoformat(made.read_text())


def _url(kind: str, folder: Path, stack: ExitStack) -> str:
    """Nothing for SQLite; for PostgreSQL that of a server of our own with its data in the folder."""
    if kind != "PostgreSQL":
        return ""
    # As it is delivered; the tests make do with less memory.
    stack.enter_context(patch.dict(postgres._OPTIONS, shared_buffers="128MB"))
    return postgres.kept(folder / "server", stack)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--databases", default=",".join(KINDS))
    parser.add_argument("--folder", type=Path, help="where the desks are kept and found again")
    parser.add_argument("--only-make", action="store_true", help="fill the folder, measure nothing")
    parser.add_argument("--no-file", action="store_true", help="only print")
    args = parser.parse_args()
    if args.only_make and args.folder is None:
        parser.error("--only-make needs a --folder")
    kinds = args.databases.split(",")
    load = os.getloadavg()[0]
    if args.only_make:
        for kind in kinds:
            with ExitStack() as stack:
                _desk(kind, args.folder, args.count, stack)
        return
    found = _all(args.folder, args.count, kinds)
    costs = {kind: cost for kind, (_, cost) in found.items()}
    section = told({kind: took for kind, (took, _) in found.items()}, args.count, costs, load)
    print(section)
    if not args.no_file:
        PAGE.write_text(with_section(PAGE.read_text(), section))


if __name__ == "__main__":
    main()
