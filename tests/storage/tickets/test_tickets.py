"""Tickets under rivals: of many that change one at once, those that read an old state are told so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from desk.mail.inbound_request import Party
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Ticket
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tickets import tickets
from storage.tickets.tickets import Stale

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def agents(any_store: Store) -> list[int]:
    """One ticket, #1, and twenty agents."""
    with any_store.database.transaction() as session:
        made = [people.add_agent(session, NewAgent(f"a{n}@x", f"A{n}", "agent"), NOW).id for n in range(20)]
        requester = people.ensure_people(session, [Party("bob@x")], NOW)["bob@x"]
        (number,) = tickets.reserve(session, 1)
        tickets.insert_many(session, [Ticket(number, "s", requester.id, NOW, NOW)])
    return made


def read(store: Store) -> Ticket:
    with store.database.reading() as session:
        found = tickets.get(session, 1)
    assert found is not None
    return found


def test_of_twenty_who_take_a_ticket_at_once_one_gets_it(any_store: Store, agents: list[int]) -> None:
    seen, start = read(any_store), Barrier(20)

    def take(agent: int) -> bool:
        start.wait(20)
        try:
            with any_store.database.transaction() as session:
                tickets.save(session, transitions.assign(seen, agent, "A", DESK, NOW))
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = [agent for agent, got in zip(agents, pool.map(take, agents), strict=True) if got]
    with any_store.database.reading() as session:
        history = tickets.history(session, 1)
    assert len(won) == 1 and read(any_store).assignee_id == won[0] and read(any_store).version == 1
    assert [event.kind for event in history] == ["assigned", "status_changed"]


def test_twenty_who_wait_for_the_lock_all_get_their_turn(any_store: Store, agents: list[int]) -> None:
    def tag(number: int) -> None:
        with any_store.database.transaction() as session:
            found = tickets.get(session, 1, lock=True)
            assert found is not None
            tickets.save_locked(session, [transitions.tag(found, (f"t{number}",), DESK, NOW)])

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(tag, range(20)))
    assert len(read(any_store).tags) == 20 and read(any_store).version == 20


def test_no_change_writes_nothing(any_store: Store, agents: list[int]) -> None:
    with any_store.database.transaction() as session:
        assert tickets.save(session, transitions.assign(read(any_store), None, "", DESK, NOW)).version == 0
        assert tickets.history(session, 1) == [] and not tickets.has_unreacted(session)


def test_events_are_claimed_once_by_rivals(any_store: Store, agents: list[int]) -> None:
    with any_store.database.transaction() as session:
        for _ in range(90):
            tickets.add_events(session, transitions.note(read(any_store), DESK, NOW).events)

    def work(_: int) -> list[int]:
        mine: list[int] = []
        while True:
            with any_store.database.transaction() as session:
                found = tickets.claim_events(session, 8, NOW)
            if not found:
                return mine
            mine += [number for number, _ in found]

    with ThreadPoolExecutor(4) as pool:
        claimed = [number for mine in pool.map(work, range(4)) for number in mine]
    assert len(claimed) == len(set(claimed)) == 90


def test_a_rolled_back_claim_of_events_leaves_them_to_others(any_store: Store, agents: list[int]) -> None:
    with any_store.database.transaction() as session:
        tickets.add_events(session, transitions.note(read(any_store), DESK, NOW).events)
    with pytest.raises(KeyboardInterrupt), any_store.database.transaction() as session:
        tickets.claim_events(session, 8, NOW)
        raise KeyboardInterrupt
    with any_store.database.transaction() as session:
        assert len(tickets.claim_events(session, 8, NOW)) == 1
