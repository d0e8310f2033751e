"""Open pages hear which tickets have changed: at once, once, also after they were away, and also of late commits."""

from __future__ import annotations

import asyncio
import urllib.request

from console.routes import create_app
from console.web.live_hub import LATE, LiveHub
from console.web.server import WebServer
from desk.tickets.events import EventKind
from storage.open_store import Store
from storage.people import agent_sessions, people
from storage.tables.tickets import events
from storage.tickets import changes
from tests.console.conftest import START, Browser
from tests.console.fixtures_desk import furnish


def add_event(store: Store, ticket_id: int, event_id: int | None = None) -> None:
    row = {"ticket_id": ticket_id, "at": START, "kind": str(EventKind.NOTED), "actor_kind": "system"}
    with store.database.transaction() as session:
        session.execute(events.insert().values(**row, **({"id": event_id} if event_id else {})))


def session_cookie(store: Store, agent_id: int) -> str:
    with store.database.transaction() as session:
        return "frontdesk=" + agent_sessions.begin(session, people.by_ids(session, [agent_id])[agent_id], START)


def newest(store: Store) -> int:
    with store.database.reading() as session:
        return changes.newest_event(session)


class HandWoundHub(LiveHub):
    """A hub that looks when the test says so."""

    async def _read_on(self) -> None:
        await asyncio.Event().wait()


def test_a_change_is_told_once_to_every_page(any_store: Store) -> None:
    things = furnish(any_store, START)

    async def story() -> None:
        hub = HandWoundHub(any_store.database)
        first, second = await hub.subscribe(None), await hub.subscribe(None)
        add_event(any_store, things.ticket)
        await hub._look()
        await hub._look()
        for page in (first, second):
            change = await page.get(5)
            assert change == (newest(any_store), [things.ticket])
            assert await page.get(0.0) is None

    asyncio.run(story())


def test_an_event_that_commits_after_a_higher_number_is_told_too(any_store: Store) -> None:
    things = furnish(any_store, START)

    async def story() -> None:
        hub = HandWoundHub(any_store.database)
        page = await hub.subscribe(None)
        number = newest(any_store)
        add_event(any_store, things.ticket, number + 2)
        await hub._look()
        add_event(any_store, things.other, number + 1)
        await hub._look()
        assert [await page.get(5), await page.get(5)] == [(number + 2, [things.ticket]), (number + 2, [things.other])]
        for _ in range(LATE + 1):
            await hub._look()
        assert hub._floor == number + 2 and not hub._seen

    asyncio.run(story())


def test_a_page_that_was_away_hears_what_it_missed(any_store: Store) -> None:
    things = furnish(any_store, START)

    async def story() -> None:
        hub = HandWoundHub(any_store.database)
        before = newest(any_store)
        for ticket in (things.ticket, things.other, things.ticket):
            add_event(any_store, ticket)
        page = await hub.subscribe(before)
        assert await page.get(5) == (newest(any_store), sorted([things.ticket, things.other]))

    asyncio.run(story())


def test_a_page_that_takes_nothing_is_told_that_it_missed_something(store: Store) -> None:
    things = furnish(store, START)

    async def story() -> None:
        hub = HandWoundHub(store.database)
        page = await hub.subscribe(None)
        for number in range(600):
            page.put(number, [things.ticket])
        assert page.missed

    asyncio.run(story())


def test_nobody_listens_without_signing_in(alice: Browser) -> None:
    alice.client.cookies.clear()
    assert alice.get("/tickets/live").status_code == 403


def test_a_stream_tells_of_a_change_and_ends_when_the_server_stops(store: Store) -> None:
    things = furnish(store, START)
    server = WebServer(create_app(store, store.settings, clock=lambda: START), "127.0.0.1", 0)
    with server.beside():
        headers = {"Cookie": session_cookie(store, things.alice)}
        request = urllib.request.Request(f"http://{server.address}/tickets/live", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            assert stream.readline() == b"retry: 2000\n"
            add_event(store, things.ticket)
            lines = [stream.readline() for _ in range(4)]
            assert lines[2:] == [b"event: changed\n", f"data: {things.ticket}\n".encode()]
            server.stop()
            stream.read()
