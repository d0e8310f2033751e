"""The scheduler: what is overdue is enqueued, one of two works, and what always fails is set aside alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from desk.mail.states import InboundState
from gateway.intake import accept
from storage.mail import inbound, outbound
from storage.runtime import heartbeats
from storage.tickets import lifecycle
from tests.small_desk import BOB, CAROL, SmallDesk
from workers.inbound import ingest
from workers.inbound.match import Decision
from workers.inbound.persist import BatchWriter
from workers.scheduler import LEASE, OVERDUE, STUCK, Scheduler


class Queue:
    def __init__(self) -> None:
        self.enqueued: list[tuple[str, int]] = []

    def enqueue(self, jobs: Sequence[tuple[str, int]]) -> None:
        self.enqueued += jobs


def enqueued_by(desk: SmallDesk) -> list[tuple[str, int]]:
    """What a fresh scheduler enqueues now."""
    queued = Queue()
    desk.store.database.queue = queued
    clock = Scheduler(desk.context)
    assert clock.sweep()
    clock._release_lease()
    return queued.enqueued


def suspects(desk: SmallDesk) -> list[int]:
    with desk.store.database.reading() as session:
        rows = [inbound.get(session, number) for number in range(1, 20)]
    return [row["id"] for row in rows if row and row["suspect"] and row["state"] == InboundState.WAITING]


def test_a_quiet_desk_is_left_alone(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    any_desk.later(hours=1)
    assert enqueued_by(any_desk) == []


def test_what_waits_too_long_is_rung_for_again(any_desk: SmallDesk) -> None:
    (number,) = accept(any_desk.store, [any_desk.mail(BOB, "Help", "Please.")], any_desk.now)
    assert enqueued_by(any_desk) == []
    any_desk.now += OVERDUE + timedelta(seconds=1)
    assert enqueued_by(any_desk) == [("ingest", number)]
    ingest.drain(any_desk.context)
    assert enqueued_by(any_desk) == [("events", 0)]
    any_desk.delivers = False
    any_desk.work()
    assert enqueued_by(any_desk) == [("deliver", 0)]


def test_only_one_of_two_clocks_works_and_the_other_takes_over(any_desk: SmallDesk) -> None:
    first, second = Scheduler(any_desk.context), Scheduler(any_desk.context)
    assert [first.sweep(), second.sweep(), first.sweep()] == [True, False, True]
    any_desk.now += LEASE + timedelta(seconds=1)
    assert [second.sweep(), first.sweep()] == [True, False]
    second._release_lease()
    assert first.sweep()


def test_of_many_clocks_at_once_one_works(any_desk: SmallDesk) -> None:
    clocks = [Scheduler(any_desk.context) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(Scheduler.sweep, clocks)) == 1


def _fails_for(words: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Settling breaks whenever a batch holds a request with those words; returns the sizes of what was tried."""
    honest, tried = BatchWriter.write, []

    def write(self: BatchWriter, decisions: Sequence[Decision]) -> None:
        tried.append(len(decisions))
        if any(words in decision.item.request.subject for decision in decisions):
            raise RuntimeError("a bug")
        honest(self, decisions)

    monkeypatch.setattr(BatchWriter, "write", write)
    return tried


def test_a_request_that_fails_three_times_is_quarantined_and_its_neighbours_settle(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _fails_for("poison", monkeypatch)
    mails = [any_desk.mail(BOB, f"Help {n}", "Please.") for n in range(4)]
    any_desk.receive(*mails[:2], any_desk.mail(CAROL, "poison", "x"), *mails[2:])
    assert any_desk.states() == {"ticketed": 4, "quarantined": 1} and len(any_desk.tickets()) == 4
    assert tried[0] == 5 and tried.count(1) == len(tried) - 1 == 4 + inbound.MOST_ATTEMPTS


def test_what_was_quarantined_can_be_released_once_the_bug_is_gone(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _fails_for("poison", patch)
        any_desk.receive(any_desk.mail(CAROL, "poison", "x"))
    assert any_desk.states() == {"quarantined": 1}
    with any_desk.store.database.transaction() as session:
        assert inbound.request_release(session, 1) and not inbound.request_release(session, 1)
    any_desk.work()
    assert any_desk.states() == {"ticketed": 1}


def test_what_stays_the_oldest_is_suspected_and_tried_alone(any_desk: SmallDesk) -> None:
    accept(any_desk.store, [any_desk.mail(BOB, "Help", "Please.")], any_desk.now)
    clock = Scheduler(any_desk.context)
    any_desk.later(seconds=10)
    clock.sweep()
    assert suspects(any_desk) == []
    any_desk.now += STUCK
    clock.sweep()
    assert suspects(any_desk) == [1]
    any_desk.work()
    assert any_desk.states() == {"ticketed": 1}


def test_what_waited_long_while_nobody_worked_is_not_all_suspected(any_desk: SmallDesk) -> None:
    accept(any_desk.store, [any_desk.mail(BOB, f"Help {n}", "Please.") for n in range(5)], any_desk.now)
    any_desk.later(hours=2)
    Scheduler(any_desk.context).sweep()
    assert suspects(any_desk) == []


def test_a_suspect_that_kills_its_worker_is_quarantined_in_the_end(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    accept(any_desk.store, [any_desk.mail(BOB, "Help", "Please.")], any_desk.now)
    with any_desk.store.database.transaction() as session:
        inbound.mark_suspect(session, [1])
    with monkeypatch.context() as patch:
        patch.setattr(BatchWriter, "write", die)
        for _ in range(inbound.MOST_ATTEMPTS):
            with pytest.raises(Killed):
                ingest.drain(any_desk.context)
            assert ingest.drain(any_desk.context) == 0, "it is held for a while"
            any_desk.now += inbound.SUSPECT_LEASE + timedelta(seconds=1)
    ingest.drain(any_desk.context)
    assert any_desk.states() == {"quarantined": 1}


def test_many_workers_at_once_do_not_use_up_the_attempts_of_a_good_request(any_desk: SmallDesk) -> None:
    mails = [any_desk.mail(BOB, f"Help {n}", "Please.") for n in range(30)]
    accept(any_desk.store, mails, any_desk.now)
    with any_desk.store.database.transaction() as session:
        inbound.mark_suspect(session, range(1, 31))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ingest.drain, [any_desk.context] * 8))
    assert any_desk.states() == {"ticketed": 30}


def test_two_workers_that_take_the_same_suspect_count_it_once(any_desk: SmallDesk) -> None:
    accept(any_desk.store, [any_desk.mail(BOB, "Help", "Please.")], any_desk.now)
    with any_desk.store.database.transaction() as session:
        inbound.mark_suspect(session, [1])
        first = inbound.claim_suspect(session, any_desk.now)
        assert first is not None and first.attempts == 1
    for _ in range(5):
        with any_desk.store.database.transaction() as session:
            assert inbound.claim_suspect(session, any_desk.now) is None
    with any_desk.store.database.reading() as session:
        assert outbound.totals(session) == {}


def test_a_look_that_fails_is_named_and_the_others_go_on(any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(any_desk.store, [any_desk.mail(BOB, "Help", "Please.")], any_desk.now)
    any_desk.now += OVERDUE + timedelta(seconds=1)
    queued = Queue()
    any_desk.store.database.queue = queued
    clock = Scheduler(any_desk.context)
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "due_tickets", lambda *_: 1 / 0)
        assert clock.sweep()
    assert queued.enqueued == [("ingest", 1)]
    (beat,) = _beats(any_desk)
    assert beat.data["failing"]["lifecycle"].startswith("ZeroDivisionError at ")
    any_desk.later(seconds=11)
    assert clock.sweep() and _beats(any_desk)[0].data == {"failing": {}}


def test_the_schedulers_thread_outlives_whatever_it_meets(any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, rounds = threading.Event(), iter((RuntimeError("a bug"), None, KeyError("another")))
    clock = Scheduler(any_desk.context)

    def sweep() -> bool:
        error = next(rounds, stop)
        if error is stop:
            stop.set()
        elif isinstance(error, Exception):
            raise error
        return True

    monkeypatch.setattr("workers.scheduler.PERIOD", 0.0)
    monkeypatch.setattr(clock, "sweep", sweep)
    clock.run(stop)
    assert stop.is_set() and next(rounds, None) is None


def test_a_clock_that_was_set_back_stops_no_look(any_desk: SmallDesk) -> None:
    clock = Scheduler(any_desk.context)
    clock.sweep()
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    any_desk.now -= timedelta(hours=1)
    queued = Queue()
    any_desk.store.database.queue = queued
    assert clock.sweep() and ("detect_incidents", 0) in queued.enqueued


def _beats(desk: SmallDesk) -> list[heartbeats.Heartbeat]:
    with desk.store.database.reading() as session:
        return heartbeats.live_heartbeats(session, desk.now)
