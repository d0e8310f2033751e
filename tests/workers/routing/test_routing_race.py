"""A thousand requests, settled by several workers at once: everybody gets the same, nobody gets anything twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from desk.routing.routing import Options, Strategy
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind
from gateway.intake import accept
from storage.open_store import Store
from storage.people import availability, people
from storage.tickets import tickets
from tests.small_desk import BILLING, SUPPORT, categoriser
from tests.workers.routing.test_routing import RoutedDesk
from workers.inbound import ingest
from workers.runtime.context import Context
from workers.timers import reassign

pytestmark = pytest.mark.slow

WORKERS = 4
AGENTS = 7


def at_once(desk: RoutedDesk, *works: Callable[[Context], object]) -> None:
    """Each in its own thread with its own context, as in processes of their own; all begin together."""
    start = Barrier(len(works))

    def run(work: Callable[[Context], object]) -> None:
        context = Context(desk.store, categoriser(), now=lambda: desk.now)
        start.wait(30)
        work(context)

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result(120)


def brought(desk: RoutedDesk, count: int, to: str = SUPPORT) -> None:
    mails = [desk.mail(f"p{n}@home.example.test", f"Question {n}", f"Number {n}.", to=to) for n in range(count)]
    accept(desk.store, mails, desk.now)


def owners_told(desk: RoutedDesk, numbers: Sequence[int]) -> list[int]:
    """How often each ticket was given to somebody."""
    return [sum(e.kind == "assigned" and bool(e.data.to_id) for e in desk.events(number)) for number in numbers]


@pytest.mark.parametrize(("strategy", "count"), [(Strategy.ROUND_ROBIN, 1000), (Strategy.LEAST_LOADED, 300)])
def test_a_thousand_at_once_are_shared_to_within_one(
    any_store: Store, strategy: Strategy, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 10)
    desk = RoutedDesk(any_store, strategy, agents=AGENTS)
    brought(desk, count)
    at_once(desk, *[ingest.drain] * WORKERS)
    found = desk.owners()
    assert sum(found.values()) == count and len(found) == AGENTS and None not in found
    assert max(found.values()) - min(found.values()) <= 1
    assert set(owners_told(desk, range(1, count + 1, 17))) == {1}


def test_an_agent_of_two_teams_is_never_given_more_than_there_is_room_for(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 3)
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=2)
    with any_store.database.transaction() as session:
        billing = people.team_named(session, "Billing")
        assert billing
        availability.set_team(session, billing.id, Strategy.ROUND_ROBIN, Options(), None)
        availability.remove_member(session, billing.id, desk.max.id)
        for agent in desk.staff:
            availability.add_member(session, billing.id, agent.id)
            availability.set_agent(session, agent.id, capacity=10)
    brought(desk, 30)
    brought(desk, 30, to=BILLING)
    at_once(desk, *[ingest.drain] * WORKERS)
    assert desk.owners() == {desk.alice.id: 10, desk.staff[1].id: 10, None: 40}
    assert sum(ticket.unroutable_at is not None for ticket in desk.tickets()) == 40


def test_workers_that_look_for_owners_at_once_give_each_ticket_once(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN, agents=AGENTS)
    for agent in desk.staff:
        desk.set(agent, available=False)
    desk.burst(100)
    assert desk.owners() == {None: 100}
    for agent in desk.staff:
        desk.set(agent, available=True)

    def take(context: Context) -> None:
        """Somebody takes one by hand meanwhile."""
        me = Actor(ActorKind.AGENT, desk.max.id, "Max Agent")
        with context.store.database.transaction() as session:
            held = tickets.get(session, 50, lock=True)
            assert held
            if held.assignee_id is None:
                tickets.save(session, transitions.assign(held, me.id, me.name, me, desk.now))

    at_once(desk, *[reassign.drain] * WORKERS, take)
    found = desk.owners()
    by_turn = Counter({agent.id: found[agent.id] for agent in desk.staff})
    assert None not in found and sum(found.values()) == 100
    assert max(by_turn.values()) - min(by_turn.values()) <= 1
    assert set(owners_told(desk, range(1, 101))) == {1}
