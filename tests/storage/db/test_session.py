"""One way to open a transaction: what is enqueued goes after the COMMIT or never, and ids are reserved for one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from storage.db import statements
from storage.db.session import Database, Session, enqueue, is_disk_full, is_unavailable, normal_url
from storage.open_store import Store
from storage.people import people
from storage.runtime.queue import RedisQueue, broker
from storage.tables.tickets import messages, teams, tickets


class Queue:
    def __init__(self) -> None:
        self.enqueued: list[tuple[str, int]] = []

    def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
        self.enqueued += jobs


def with_queue(store: Store) -> Queue:
    queued = Queue()
    store.database.queue = queued
    return queued


def test_a_commit_enqueues_once_and_only_after_it(any_store: Store) -> None:
    queued = with_queue(any_store)
    with any_store.database.transaction() as session:
        for _ in range(3):
            enqueue(session, "ingest", 7)
        enqueue(session, "events", 0)
        assert queued.enqueued == []
    assert queued.enqueued == [("ingest", 7), ("events", 0)]


def test_a_rollback_enqueues_nothing_and_leaves_nothing(any_store: Store) -> None:
    queued = with_queue(any_store)
    with pytest.raises(KeyboardInterrupt), any_store.database.transaction() as session:
        people.add_team(session, "Ghosts")
        enqueue(session, "ingest", 7)
        raise KeyboardInterrupt
    with any_store.database.reading() as session:
        assert queued.enqueued == [] and people.all_teams(session) == []


def test_a_dry_run_does_all_of_it_enqueues_nothing_and_leaves_nothing(any_store: Store) -> None:
    queued = with_queue(any_store)
    with any_store.database.transaction(dry_run=True) as session:
        people.add_team(session, "Ghosts")
        enqueue(session, "ingest", 7)
        assert [team.name for team in people.all_teams(session)] == ["Ghosts"]
    with any_store.database.transaction() as session:
        assert queued.enqueued == [] and people.all_teams(session) == []


def test_what_is_rung_is_there_to_be_read(any_store: Store) -> None:
    seen = []

    class Reads:
        def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
            with any_store.database.reading() as session:
                seen.append([team.name for team in people.all_teams(session)])

    any_store.database.queue = Reads()
    with any_store.database.transaction() as session:
        people.add_team(session, "Support")
        enqueue(session, "ingest", 1)
    assert seen == [["Support"]]


def test_a_queue_that_is_away_costs_nobody_an_error(store: Store) -> None:
    store.database.queue = RedisQueue(broker("redis://127.0.0.1:1", for_workers=False))
    for _ in range(2):
        with store.database.transaction() as session:
            people.add_team(session, "Support")
            enqueue(session, "ingest", 1)
    with store.database.reading() as session:
        assert [team.name for team in people.all_teams(session)] == ["Support"]


def test_a_thousand_reserved_ids_are_a_thousand_ids(any_store: Store) -> None:
    def some(_: int) -> list[int]:
        with any_store.database.transaction() as session:
            return statements.reserve_ids(session, tickets, 20) + statements.reserve_ids(session, tickets, 5)

    with ThreadPoolExecutor(8) as pool:
        ids = [number for numbers in pool.map(some, range(40)) for number in numbers]
    assert len(ids) == len(set(ids)) == 1000 and min(ids) > 0


def test_reserving_nothing_is_nothing_and_tables_do_not_share(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        assert statements.reserve_ids(session, tickets, 0) == []
        assert statements.reserve_ids(session, tickets, 2) == [1, 2] and statements.reserve_ids(
            session, messages, 1
        ) == [1]


def test_an_inserted_row_gets_an_id_that_nobody_reserved(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        reserved = statements.reserve_ids(session, teams, 3)
        assert people.add_team(session, "Support").id not in reserved


def test_many_writers_at_once_lose_nothing(any_store: Store) -> None:
    def write(number: int) -> None:
        with any_store.database.transaction() as session:
            people.add_team(session, f"team {number % 10}")
            people.add_team(session, f"own {number}")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(60)))
    with any_store.database.reading() as session:
        assert len(people.all_teams(session)) == 70


def test_a_reader_does_not_wait_for_a_writer(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        people.add_team(session, "Support")
        done = threading.Event()

        def read() -> None:
            with any_store.database.reading() as other:
                if not people.all_teams(other):
                    done.set()

        thread = threading.Thread(target=read)
        thread.start()
        assert done.wait(5)
    thread.join(5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda session: statements.insert_rows(session, teams, []), []),
        (
            lambda session: statements.insert_rows(session, teams, [{"name": 'it\'s "x" \\ %s :a 日本'}]),
            ['it\'s "x" \\ %s :a 日本'],
        ),
        (lambda session: statements.insert_rows(session, teams, [{"name": "a"}, {"name": "a"}], ignore=True), ["a"]),
    ],
)
def test_rows_are_written_as_they_are(any_store: Store, change: Callable[[Session], None], expected: list[str]) -> None:
    with any_store.database.transaction() as session:
        change(session)
        assert [team.name for team in people.all_teams(session)] == expected


def test_addresses_of_databases_are_understood() -> None:
    assert normal_url("postgres://u@h/d") == normal_url("postgresql://u@h/d") == "postgresql+psycopg://u@h/d"
    assert normal_url("/x/y.db") == "sqlite:////x/y.db" and normal_url("sqlite:////z") == "sqlite:////z"


def test_errors_are_told_apart(store: Store) -> None:
    assert is_disk_full(OSError(28, "No space left on device")) and not is_disk_full(ValueError("full of it"))
    assert is_disk_full(sa.exc.OperationalError("x", {}, sqlite3.OperationalError("database or disk is full")))
    away = Database("postgresql://nobody@127.0.0.1:1/x")
    with pytest.raises(sa.exc.OperationalError) as failed, away.transaction():
        pass
    assert is_unavailable(failed.value) and not is_unavailable(ValueError())
