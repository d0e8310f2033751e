"""`python -m benchmarks.desk_figures`: P14, P16 and the reports, on a desk of a million tickets.

In: how many tickets, which databases. Out: a section for `docs/benchmarks.md`: full text with the newest 50, the pages
of the console as a browser asks for them (in this process, signed in), and reports of a month, a quarter, a year, all.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import sqlalchemy as sa
from starlette.testclient import TestClient

from benchmarks import big_desk, processes
from benchmarks.multiply import STRIDE
from benchmarks.report import with_section
from console.app import create_app
from desk import period
from desk.settings import Settings
from storage import people, reports, search, sessions, ticket_facts
from storage.reports import Asked
from storage.store import Store, open_store
from storage.tables import tickets
from tests import postgres

ROUNDS, WARM = 40, 3
PERIODS = ("30d", "90d", "365d", "800d")
WORDS = (
    "invoice", "the", "printer toner", "vpn router", "authenticator", "calendar parking", "refund card charged",
    "crash export plugin", "docking", "monitor cable dock", "meeting ro",
)  # fmt: skip
ZONE = "Europe/Berlin"
KEY = "a key of the benchmark, known to everybody"
_LIMIT = {"P14": 50, "P16": 300}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

Took = list[float]


def measured(store: Store, now: datetime) -> dict[str, Took]:
    """What was asked → milliseconds of each time."""
    dice = random.Random(3)
    found: dict[str, Took] = {}
    with store.database.reading() as session:
        last = session.execute(sa.select(sa.func.max(tickets.c.id))).scalar_one()
        for words in WORDS:
            took = _timed(lambda words=words: search.find_tickets(session, words, 50), 12)  # type: ignore[misc]
            found.setdefault("P14 full text, newest 50", []).extend(took)
    for words in PERIODS:
        days = period.of_word(words, ZONE, now)

        def one(days: period.Period = days) -> object:
            with store.database.reading() as session:
                return reports.report(session, days, Asked(), now)

        found[f"report of {'all' if words == '800d' else words}"] = _timed(one, 10 if words == "30d" else 5)
    for name, path in _pages(dice, last).items():
        found[f"P16 {name}"] = _page(store, now, path)
    return found


def _pages(dice: random.Random, last: int) -> Mapping[str, Callable[[], str]]:
    return {
        "queue page": lambda: "/tickets",
        "queue page, by owner and priority": lambda: f"/tickets?assignee={dice.randrange(1, 25)}&priority=high",
        "ticket page": lambda: (
            f"/tickets/{dice.randrange(last // STRIDE) * STRIDE + dice.randrange(1, big_desk.SMALL)}"
        ),
        "search": lambda: f"/tickets?q={dice.choice(WORDS)}",
        "report page, 30 days": lambda: "/reports",
    }


def _page(store: Store, now: datetime, path: Callable[[], str]) -> Took:
    app = create_app(store, store.settings, clock=lambda: now)
    with store.database.transaction() as session:
        agent = people.by_address(session, "agent0@bench.example")
        assert agent is not None
        cookie = sessions.begin(session, agent, now)
    with TestClient(app, cookies={"frontdesk": cookie}) as client:

        def ask() -> None:
            answer = client.get(path(), follow_redirects=False)
            assert answer.status_code == 200, answer.text

        return _timed(ask, ROUNDS)


def _timed(work: Callable[[], object], count: int) -> Took:
    for _ in range(WARM):
        work()
    took = []
    for _ in range(count):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return took


def told(results: Mapping[str, Mapping[str, Took]], count: int, rates: Mapping[str, float]) -> str:
    """The section for the page."""
    kinds = list(results)
    head = f"| asked for | {' | '.join(f'{kind}: median, p95 (ms)' for kind in kinds)} | at most |"
    lines = [head, f"|---|{'---|' * (len(kinds) + 1)}"]
    for name in results[kinds[0]]:
        cells = " | ".join(f"{statistics.median(r[name]):,.0f}, {_p95(r[name]):,.0f}" for r in results.values())
        lines.append(f"| {name} | {cells} | {_LIMIT.get(name[:3], '')} |")
    machine = processes.machine()
    speed = ", ".join(f"{rate:,.0f} tickets a second on {kind}" for kind, rate in rates.items())
    return (
        f"## A desk of {count:,} tickets\n\n`python -m benchmarks.desk_figures --count {count}`: {count:,} tickets "
        "with a message each, over two years (`benchmarks/big_desk.py`). Pages are asked for as a browser "
        f"does, signed in, in one process. A rebuild of the figures counts {speed}.\n\n" + "\n".join(lines) + "\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, on {machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB.\n"
    )


def _p95(took: Took) -> float:
    return sorted(took)[max(0, round(0.95 * len(took)) - 1)]


def _rebuilt(store: Store, now: datetime) -> float:
    """Tickets a second, of the thousand with their history."""
    with store.database.reading() as session:
        numbers = ticket_facts.numbers(session, 0, big_desk.SMALL)
        began = time.perf_counter()
        counted = ticket_facts.count(session, numbers)
    with store.database.transaction() as session:
        ticket_facts.hold(session)
        ticket_facts.write(session, counted, now)
    return len(counted) / (time.perf_counter() - began)


def _desk(kind: str, folder: Path, count: int, stack: ExitStack) -> tuple[Store, datetime]:
    """The desk, made or found in the folder, and the moment at which it is looked at."""
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
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--folder", type=Path, help="where the desks are kept and found again")
    parser.add_argument("--only-make", action="store_true", help="fill the folder and measure nothing")
    parser.add_argument("--no-file", action="store_true", help="only print")
    args = parser.parse_args()
    results, rates = {}, {}
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-desk-")))
        folder.mkdir(parents=True, exist_ok=True)
        # The server runs as somebody else, who has to pass through.
        folder.chmod(0o755)
        for kind in args.databases.split(","):
            store, now = _desk(kind, folder, args.count, stack)
            if args.only_make:
                continue
            rates[kind] = _rebuilt(store, now)
            results[kind] = measured(store, now)
    if args.only_make:
        return
    section = told(results, args.count, rates)
    print(section)
    if not args.no_file:
        PAGE.write_text(with_section(PAGE.read_text(), section))


if __name__ == "__main__":
    main()
