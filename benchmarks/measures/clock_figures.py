"""`python -m benchmarks.measures.clock_figures`: what a sweep of due times costs with few clocks and with many.

It takes how many clocks (1,000,000 on half as many open tickets), and returns a section for `docs/benchmarks.md`: the
look whether anything is due, the work on 200 tickets that are due, the page of the soonest due times, ten years of
business hours; on SQLite and PostgreSQL, each with a thousand clocks and with all of them. `--write` puts the section
into the page.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.lab import ROOT
from benchmarks.report import with_section
from classifier.starter import shipped
from desk.config.settings import Settings
from desk.sla import business_hours
from storage.db import schema
from storage.db.session import Database, Session
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.runtime import key_values
from storage.runtime.blobs import BlobStore
from storage.runtime.logging_setup import configure_logging
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.sla.calendars import CalendarRow
from storage.sla.policies import PolicyRow
from storage.tables.column_types import UTCDateTime
from storage.tickets import listings
from storage.tickets.list_filter import Order, TicketFilter
from tests.servers import postgres
from workers.runtime.context import Context
from workers.timers import sla as worker

NOW = datetime(2026, 11, 3, 10, tzinfo=UTC)
DUE = 200
FEW = 1_000
ROUNDS = 15
OFFICE = CalendarRow(
    "Office", "Europe/Berlin", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}], {"country": "DE"}
)
TARGETS = {"first_response": "4h", "resolution": "16h"}
_ABOUT = """\
`python -m benchmarks.measures.clock_figures --write` writes this section. Half as many open tickets as clocks. A sweep
looks every two seconds whether anything is due; both that and what is due are found by index, so they cost with a
million
clocks what they cost with a thousand. "Measured, told, written" reads the tickets' histories, measures two clocks each
by business hours with a country's holidays, and writes breaches with their events. Wall time, on two cores that were
busy with others."""
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_TICKETS = (
    "INSERT INTO tickets (id, subject, requester_id, created_at, updated_at, status, priority, due_at) "
    f"{_NUMBERS} SELECT i, 'ticket', :person, :opened, :opened, 'open', 'medium', {{later}} FROM n"
)
_LATER = {
    True: "CAST(:due AS timestamptz) + i * interval '1 second'",
    False: "strftime('%Y-%m-%d %H:%M:%f', :due, '+' || i || ' seconds') || '000'",
}
"""Each a second later than the one before, as PostgreSQL (or not) says it."""
_EVENTS = (
    "INSERT INTO events (ticket_id, at, kind, actor_kind, after) "
    f"{_NUMBERS} SELECT i, :opened, 'opened', 'requester', 'new' FROM n"
)
_CLOCKS = (
    "INSERT INTO clocks (ticket_id, kind, policy_id, target_seconds, state, started_at, due_at, next_at) "
    f"{_NUMBERS} SELECT i, :kind, :policy, :seconds, 'running', :opened, {{later}}, {{later}} FROM n"
)


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks.measures.clock_figures", description=__doc__)
    parser.add_argument("--clocks", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    configure_logging(Settings(log_level="error"))
    rows = [_hours()]
    for name in ("SQLite", "PostgreSQL"):
        if args.only in (None, name):
            for count in (FEW, args.clocks):
                with _opened(name) as store:
                    rows += _measured(store, name, count)
    lines = ["## Due times", "", _ABOUT, ""]
    section = "\n".join([*lines, "| what | database | clocks | median | most |", "|---|---|---|---|---|", *rows])
    print(section)
    if args.write:
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(with_section(page.read_text(), section))


@contextmanager
def _opened(name: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="fd-clocks-") as folder:
        blobs, settings = BlobStore(Path(folder) / "blobs"), Settings(data_dir=folder)
        if name == "SQLite":
            yield _made(Store(settings, Database(str(Path(folder) / "desk.sqlite3")), blobs, b"x" * 32))
            return
        with postgres.running() as server, server.fresh_database() as url:
            yield _made(Store(settings, Database(url), blobs, b"x" * 32))


def _made(store: Store) -> Store:
    schema.migrate(store.database)
    return store


def _measured(store: Store, name: str, count: int) -> Iterator[str]:
    _fill(store, count // 2)
    context = replace(Context(store, shipped()), now=lambda: NOW)
    database = store.database
    yield _row("is anything due", name, count, [_timed(lambda: _read(database, _any)) for _ in range(ROUNDS)])
    yield _row(
        "the 50 soonest tickets", name, count, [_timed(lambda: _read(database, _soonest)) for _ in range(ROUNDS)]
    )
    times = []
    for number in range(ROUNDS):
        _make_due(store, number * DUE % (count // 2 - DUE))
        times.append(_timed(lambda: worker.drain(context)))
    yield _row(f"{DUE} tickets due: measured, told, written", name, count, times)
    store.database.close()


def _fill(store: Store, tickets: int) -> None:
    with store.database.transaction() as session:
        calendar = calendars.save(session, OFFICE)
        policy = sla_policies.save(session, PolicyRow("Standard", TARGETS, calendar_id=calendar.id))
        key_values.remove(session, key_values.SLA_CHANGED)
        agent = people.add_agent(session, NewAgent("a@desk.example.test", "A", "agent"), NOW)
        opened, due = NOW - timedelta(hours=1), NOW + timedelta(hours=3)
        known = {"count": tickets, "opened": opened, "due": due, "person": agent.id, "policy": policy.id}
        for statement, more in (
            (_TICKETS, {}),
            (_EVENTS, {}),
            (_CLOCKS, {"kind": "first_response", "seconds": 4 * 3600}),
            (_CLOCKS, {"kind": "resolution", "seconds": 16 * 3600}),
        ):
            made = statement.replace("{later}", _LATER[session.postgres])
            session.execute(_moments(made), {k: v for k, v in (known | more).items() if f":{k}" in made})
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _make_due(store: Store, after: int) -> None:
    """These tickets were opened five hours of work ago."""
    with store.database.transaction() as session:
        known = {"first": after + 1, "last": after + DUE, "opened": NOW - timedelta(hours=20), "due": NOW}
        which = "ticket_id BETWEEN :first AND :last"
        session.execute(
            _moments(f"UPDATE events SET at = :opened WHERE {which} AND kind = 'opened'"), _only(known, "due")
        )
        text = f"UPDATE clocks SET started_at = :opened, next_at = :due WHERE {which} AND kind = 'first_response'"
        session.execute(_moments(text), known)


def _moments(statement: str) -> sa.TextClause:
    """A statement as text, whose moments are written as our columns are."""
    names = [name for name in ("opened", "due") if f":{name}" in statement]
    return sa.text(statement).bindparams(*(sa.bindparam(name, type_=UTCDateTime()) for name in names))


def _only(known: dict[str, object], *without: str) -> dict[str, object]:
    return {name: value for name, value in known.items() if name not in without}


def _any(session: Session) -> object:
    return sla_timers.any_due(session, NOW)


def _soonest(session: Session) -> object:
    return listings.ticket_rows(session, TicketFilter(order=Order.DUE), before=None, most=50)


def _read(database: Database, ask: Callable[[Session], object]) -> None:
    with database.reading() as session:
        ask(session)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _row(what: str, name: str, count: int, times: list[float]) -> str:
    return f"| {what} | {name} | {count:,} | {statistics.median(times):.2f} ms | {max(times):.2f} ms |"


def _hours() -> str:
    calendar = calendars.to_calendar(OFFICE)
    times = [_timed(lambda: business_hours.add(calendar, NOW, 8 * 3600 * 2500)) for _ in range(ROUNDS)]
    middle = f"{statistics.median(times):.2f} ms | {max(times):.2f} ms, the first time |"
    return f"| ten years of business hours ahead | – | – | {middle}"


if __name__ == "__main__":
    main()
