"""The actors on a real queue: a message's row goes first, a worker takes the queues that it was told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dramatiq import Worker

from gateway.intake import accept
from storage.mail import inbound, outbound
from storage.open_store import Store, open_store
from storage.runtime import heartbeats, queue
from storage.runtime.queue import JOBS, QUEUES
from storage.tickets import tickets
from tests.servers.fleet import wait_until
from tests.small_desk import BOB, CAROL, SmallDesk
from workers import actors
from workers.inbound import ingest
from workers.runtime import heartbeat
from workers.runtime.context import open_context


def test_every_job_of_the_table_has_its_work_and_no_other(store: Store) -> None:
    assert set(actors.handlers(open_context(store))) == set(JOBS)


def test_the_row_that_a_message_names_is_claimed_before_older_ones(any_desk: SmallDesk) -> None:
    numbers = accept(any_desk.store, [any_desk.mail(BOB, f"Help {n}", "Please.") for n in range(6)], any_desk.now)
    with any_desk.store.database.transaction() as session:
        claimed = inbound.claim(session, 3, [numbers[-1]])
    assert [row.id for row in claimed] == [numbers[0], numbers[1], numbers[-1]]


def test_the_events_of_the_ticket_that_a_message_names_are_claimed_before_older_ones(any_desk: SmallDesk) -> None:
    accept(any_desk.store, [any_desk.mail(BOB, f"Help {n}", "Please.") for n in range(4)], any_desk.now)
    ingest.drain(any_desk.context)
    with any_desk.store.database.transaction() as session:
        found = tickets.claim_events(session, 2, any_desk.now, [4])
    assert [event.ticket_id for _, event in found] == [1, 4]


def test_the_letter_that_a_message_names_is_sent_before_older_ones(any_desk: SmallDesk) -> None:
    any_desk.delivers = False
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."), any_desk.mail(CAROL, "Help", "Please."))
    newest = max(int(str(row["id"])) for row in any_desk.letters())
    with any_desk.store.database.transaction() as session:
        assert newest in {row.id for row in outbound.claim(session, 1, any_desk.now, [newest])}


def test_a_request_is_enqueued_under_the_number_of_its_row(any_desk: SmallDesk) -> None:
    enqueued: list[tuple[str, int]] = []

    class Queue:
        def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
            enqueued.extend(jobs)

    any_desk.store.database.queue = Queue()
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    assert dict(enqueued)["ingest"] == 1 and dict(enqueued)["events"] == 1
    assert dict(enqueued)["deliver"] == any_desk.letters()[0]["id"]


def test_who_comes_while_somebody_works_hands_its_row_over() -> None:
    entered, go_on = threading.Event(), threading.Event()
    worked: list[list[int]] = []

    def work(first: Sequence[int]) -> int:
        worked.append(list(first))
        entered.set()
        go_on.wait(10)
        return 1

    once = actors._one_at_a_time(work)
    busy = threading.Thread(target=once, args=(1,))
    busy.start()
    assert entered.wait(10)
    assert [once(row) for row in (2, 3, 2, 0)] == [0, 0, 0, 0]
    go_on.set()
    busy.join(10)
    assert worked == [[1], [2, 3]]


@contextmanager
def working(store: Store, queues: set[str]) -> Iterator[tuple[Worker, queue.Broker]]:
    broker = queue.broker(store.settings.redis_url, for_workers=True)
    actors.register(broker, open_context(store))
    worker = Worker(broker, queues=queues, worker_timeout=20, worker_threads=2)
    worker.start()
    try:
        yield worker, broker
    finally:
        worker.stop(timeout=10_000)


@pytest.fixture
def queued(any_store: Store, valkey: str) -> Iterator[Store]:
    opened = open_store(replace(any_store.settings, redis_url=valkey))
    try:
        yield opened
    finally:
        opened.close()


def test_a_worker_takes_only_the_queues_that_it_was_told_to(queued: Store) -> None:
    desk = SmallDesk(queued)
    accept(queued, [desk.mail(BOB, "Help", "Please.")], desk.now)
    with working(queued, {queue.REQUESTS}) as (worker, broker):
        wait_until(lambda: desk.states() == {"ticketed": 1}, "the request was not settled", 20)
        said = heartbeat.report(worker, broker, 0.0)
    assert said["queues"] == [queue.REQUESTS] and desk.letters() == []
    with working(queued, {queue.EVENTS}):
        wait_until(lambda: len(desk.letters("acknowledgement")) == 1, "the event was not reacted to", 20)


def test_a_consumer_whose_thread_has_ended_is_told_of_and_begins_anew(queued: Store) -> None:
    desk = SmallDesk(queued)
    with working(queued, set(QUEUES)) as (worker, broker):
        everything = broker.get_declared_queues() | broker.get_declared_delay_queues()
        wait_until(lambda: everything <= set(broker.looked_at), "a queue was never looked into", 20)
        assert heartbeat.report(worker, broker, 0.0)["silent"] == []
        consumer = worker.consumers[queue.REQUESTS]
        consumer.stop()
        consumer.join(10)
        assert heartbeat.report(worker, broker, 0.0)["silent"] == [queue.REQUESTS]
        accept(queued, [desk.mail(BOB, "Help", "Please.")], desk.now)
        wait_until(lambda: desk.states() == {"ticketed": 1}, "nobody took the queue over", 20)
        assert heartbeat.report(worker, broker, 0.0)["silent"] == []


def test_a_consumer_that_hangs_is_told_of(queued: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with working(queued, {queue.REQUESTS}) as (worker, broker):
        wait_until(lambda: queue.REQUESTS in broker.looked_at, "the queue was never looked into", 20)
        monkeypatch.setattr(heartbeat, "SILENT_SECONDS", -1.0)
        assert queue.REQUESTS in heartbeat.report(worker, broker, 0.0)["silent"]


def test_a_process_says_that_it_works_until_it_ends(any_store: Store) -> None:
    with heartbeats.send_heartbeats(any_store.database, heartbeats.GATEWAY, lambda: {"sandbox": ""}):
        (beat,) = _beats(any_store)
        assert beat.kind == heartbeats.GATEWAY
    assert _beats(any_store) == []


def _beats(store: Store) -> list[heartbeats.Heartbeat]:
    with store.database.reading() as session:
        return heartbeats.live_heartbeats(session, datetime.now(UTC))
