"""The inbound ledger: a copy is one row, a row has one worker, and the sum is always what was accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.mail.states import END_STATES
from storage.mail import inbound
from storage.mail.inbound import Arrival, SettledRequest
from storage.open_store import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def arrival(name: str, **more: object) -> Arrival:
    return Arrival("email", "s", name, f"hash of {name}", NOW, "{}", **more)  # type: ignore[arg-type]


def write(store: Store, *arrivals: Arrival) -> None:
    with store.database.transaction() as session:
        inbound.store(session, arrivals)


def test_a_copy_counts_on_the_row_that_is_there(any_store: Store) -> None:
    write(any_store, arrival("a"), arrival("b"), arrival("a"))
    write(any_store, arrival("a"))
    with any_store.database.transaction() as session:
        assert inbound.store_one(session, arrival("a")) == inbound.store_one(session, arrival("a"))
        totals = inbound.totals(session, NOW + timedelta(seconds=5))
    assert (totals.accepted, totals.unsettled, totals.repeats) == (2, 2, 4)
    assert totals.oldest_unsettled == timedelta(seconds=5)


def test_the_same_id_with_another_content_is_another_request(any_store: Store) -> None:
    write(any_store, arrival("a"), Arrival("email", "s", "a", "other", NOW), Arrival("slack", "s", "a", "other", NOW))
    with any_store.database.reading() as session:
        assert inbound.totals(session, NOW).accepted == 3


def test_groups_that_share_copies_do_not_deadlock(any_store: Store) -> None:
    names = [str(n) for n in range(60)]

    def some(shift: int) -> None:
        write(any_store, *(arrival(name) for name in [*names[shift:], *names[:shift]]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(0, 60, 6)))
    with any_store.database.reading() as session:
        totals = inbound.totals(session, NOW)
    assert (totals.accepted, totals.repeats) == (60, 540)


def test_workers_that_claim_at_once_settle_each_row_once(any_store: Store) -> None:
    write(any_store, *(arrival(str(n)) for n in range(200)))
    start = Barrier(4)

    def work(_: int) -> list[int]:
        mine: list[int] = []
        start.wait(10)
        while True:
            with any_store.database.transaction() as session:
                rows = inbound.claim(session, 7)
                inbound.settle(session, [SettledRequest(row.id, "ticketed") for row in rows], NOW)
            if not rows:
                return mine
            mine += [row.id for row in rows]

    with ThreadPoolExecutor(4) as pool:
        claimed = [number for mine in pool.map(work, range(4)) for number in mine]
    assert len(claimed) == len(set(claimed)) == 200


def test_what_a_claim_did_not_settle_waits_again(any_store: Store) -> None:
    write(any_store, arrival("a"))
    for _ in range(2):
        with any_store.database.transaction() as session:
            assert [row.attempts for row in inbound.claim(session, 5)] == [0]


def test_a_suspect_is_not_in_a_batch(any_store: Store) -> None:
    write(any_store, arrival("a"), arrival("b"))
    with any_store.database.transaction() as session:
        inbound.mark_suspect(session, [1])
        assert [row.id for row in inbound.claim(session, 5)] == [2]
        found = inbound.claim_suspect(session, NOW)
        assert found is not None and (found.id, found.attempts) == (1, 1)


def test_what_was_unreadable_is_set_aside_and_read_again_when_somebody_asks(any_store: Store) -> None:
    write(any_store, Arrival("email", "s", "", "h", NOW, quarantine="too deep", envelope={"mail_from": "b@x"}))
    with any_store.database.transaction() as session:
        assert (
            inbound.claim(session, 5) == []
            and inbound.list_by_state(session, ["quarantined"])[0]["reason"] == "too deep"
        )
        assert inbound.request_release(session, 1) and not inbound.request_release(session, 1)
        (released,) = inbound.list_releasing(session)
        assert released.envelope.mail_from == "b@x" and inbound.totals(session, NOW).unsettled == 1
        inbound.release(session, 1, "{}")
        assert [row.id for row in inbound.claim(session, 5)] == [1]


def test_what_was_settled_while_it_was_read_again_stays_settled(any_store: Store) -> None:
    write(any_store, arrival("a", quarantine="too deep"))
    with any_store.database.transaction() as session:
        inbound.request_release(session, 1)
        inbound.release(session, 1, "{}")
        inbound.settle(
            session, [SettledRequest(row.id, "ticketed", ticket_id=7) for row in inbound.claim(session, 5)], NOW
        )
        inbound.requarantine(session, 1, "a slow reader, who read it too")
        row = inbound.get(session, 1)
    assert row is not None and (row["state"], row["ticket_id"], row["reason"]) == ("ticketed", 7, "")


steps = st.lists(
    st.tuples(st.sampled_from(["write", "settle", "ask", "release", "stay"]), st.integers(1, 6)), max_size=20
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.sampled_from(END_STATES))
def test_the_ledger_always_adds_up(store: Store, done: list[tuple[str, int]], state: str) -> None:
    for step, number in done:
        with store.database.transaction() as session:
            if step == "write":
                inbound.store(session, [arrival(str(number)), arrival(str(number + 1), quarantine="x")])
            elif step == "settle":
                inbound.settle(session, [SettledRequest(row.id, state) for row in inbound.claim(session, number)], NOW)
            elif step == "ask":
                inbound.request_release(session, number)
            elif step == "release":
                inbound.release(session, number, "{}")
            else:
                inbound.mark_suspect(session, [number])
            totals = inbound.totals(session, NOW)
            assert totals.accepted == sum(totals.states.values()) + totals.unsettled
