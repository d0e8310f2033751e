"""A hundred agents and the desk's own clocks at the same few tickets: nothing is lost, nothing happens twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.routes import create_app
from desk.tickets import history
from desk.tickets.ticket import Event, MessageKind
from storage.open_store import Store
from storage.people import agent_sessions, people
from storage.people.people import NewAgent
from storage.tickets import tickets
from tests.console.conftest import Browser
from tests.small_desk import BOB, SmallDesk
from workers.events import dispatch
from workers.timers import lifecycle, reassign, scheduled_replies
from workers.timers import sla as sla_timers

AGENTS, TICKETS, HANDS = 100, 4, 8
TRIES = 60


@pytest.mark.slow
def test_a_hundred_agents_and_clocks_lose_nothing(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(*(desk.mail(BOB, f"Matter {number}", "Please.") for number in range(TICKETS)))
    cookies = _signed_in(desk)
    settings = replace(any_store.settings, undo_send_seconds=1)
    app = create_app(any_store, settings, clock=lambda: desk.now)
    stop = threading.Event()
    clock = threading.Thread(target=_clocks, args=(desk, stop))
    clock.start()
    try:
        with ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(lambda one: _work(app, *one), enumerate(cookies)))
    finally:
        stop.set()
        clock.join()
    desk.later(minutes=1)
    scheduled_replies.drain(desk.context)
    for number in range(1, TICKETS + 1):
        _nothing_was_lost(desk, number)


def _signed_in(desk: SmallDesk) -> list[str]:
    with desk.store.database.transaction() as session:
        team = people.all_teams(session)[0].id
        made = [
            people.add_agent(
                session, NewAgent(f"agent{n}@corp.example.test", f"Agent {n}", "agent", "", [team]), desk.now
            )
            for n in range(AGENTS)
        ]
        return [agent_sessions.begin(session, agent, desk.now) for agent in made]


def _clocks(desk: SmallDesk, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        desk.later(milliseconds=100)
        for work in (scheduled_replies.drain, dispatch.drain, lifecycle.drain, sla_timers.drain, reassign.drain):
            work(desk.context)


def _work(app: Starlette, place: int, cookie: str) -> None:
    """One agent's step, tried anew from a fresh page until nobody was faster."""
    number = place % TICKETS + 1
    verb, fields = (
        ("update", {"tags": f"by-{place}"}),
        ("take", {}),
        ("reply", {"kind": "reply", "text": f"answer {place}"}),
        ("reply", {"kind": "note", "text": f"note {place}"}),
    )[place // TICKETS % 4]
    browser = Browser(TestClient(app, cookies={"frontdesk": cookie}))
    for _ in range(TRIES):
        answer = browser.act(number, verb, **fields)
        if answer.status_code == 303:
            return
        assert answer.status_code == 409, answer.text
    raise AssertionError(f"agent {place} never came through")


def _nothing_was_lost(desk: SmallDesk, number: int) -> None:
    ticket, events, said = desk.ticket(number), desk.events(number), desk.messages(number)
    own = [place for place in range(AGENTS) if place % TICKETS + 1 == number]
    steps = [[place for place in own if place // TICKETS % 4 == step] for step in range(4)]
    assert set(ticket.tags) == {f"by-{place}" for place in steps[0]}
    replies = [one.text for one in said if one.kind is MessageKind.REPLY and not one.inbound]
    assert sorted(replies) == sorted(f"answer {place}" for place in steps[2])
    notes = [one.text for one in said if one.kind is MessageKind.NOTE]
    assert sorted(notes) == sorted(f"note {place}" for place in steps[3])
    _check_owners(events)
    told = history.replay(history.beginning(ticket, events), events)
    for name in history.TOLD:
        assert getattr(told, name) == getattr(ticket, name), name


def _check_owners(events: list[Event]) -> None:
    """Each new owner took the ticket from the owner before: nobody took it from somebody who no longer had it."""
    owner = None
    for event in events:
        if event.kind == "assigned":
            assert event.data.from_id == owner, event
            owner = event.data.to_id


def test_of_agents_who_take_the_same_ticket_from_the_same_page_one_gets_it(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(BOB, "Matter", "Please."))
    cookies = _signed_in(desk)[:HANDS]
    app = create_app(any_store, any_store.settings, clock=lambda: desk.now)
    browsers = [Browser(TestClient(app, cookies={"frontdesk": cookie})) for cookie in cookies]
    pages = [browser.page(1) for browser in browsers]
    together = threading.Barrier(HANDS)

    def take(place: int) -> int:
        together.wait(30)
        return int(browsers[place].act(1, "take", pages[place]).status_code)

    with ThreadPoolExecutor(HANDS) as pool:
        answers = sorted(pool.map(take, range(HANDS)))
    assert answers == [303] + [409] * (HANDS - 1)
    with any_store.database.reading() as session:
        assert [event.kind for event in tickets.history(session, 1)].count("assigned") <= 2
