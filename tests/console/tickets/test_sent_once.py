"""Back and Send once more: the same words by the same agent to the same ticket within half a minute are sent once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from console.routes import create_app
from desk.tickets.ticket import MessageKind
from storage.open_store import Store
from storage.tickets import tickets
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import furnish
from usecases.agents import scheduled_replies

WORDS = "Please press the button for ten seconds."


@pytest.fixture
def console(any_store: Store) -> Console:
    return Console(any_store, furnish(any_store, START))


@pytest.fixture(params=[0, 10], ids=["at once", "with undo"])
def browsers(console: Console, request: pytest.FixtureRequest) -> Iterator[tuple[Browser, Browser]]:
    settings = replace(console.store.settings, undo_send_seconds=request.param)
    app = create_app(console.store, settings, clock=lambda: console.now[0])
    with TestClient(app) as first, TestClient(app) as second:
        alice, bob = Browser(first), Browser(second)
        assert (alice.sign_in("alice").status_code, bob.sign_in("bob").status_code) == (303, 303)
        yield alice, bob


def send(browser: Browser, ticket: int, text: str = WORDS, **fields: str) -> int:
    """Read the page anew, put the words into the box, send."""
    return int(browser.act(ticket, "reply", text=text, **{"kind": "reply", **fields}).status_code)


def sent(console: Console, ticket: int, text: str = WORDS) -> int:
    """How often the words were said or wait to be."""
    with console.store.database.reading() as session:
        said = tickets.messages_of(session, ticket, kinds=(MessageKind.REPLY, MessageKind.NOTE))
        waiting = scheduled_replies.scheduled_of_ticket(session, ticket)
    return [one.text for one in said].count(text) + [one.answer.text for one in waiting].count(text)


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_the_same_words_from_a_fresh_page_are_sent_once(
    console: Console, browsers: tuple[Browser, Browser], kind: str
) -> None:
    alice, _ = browsers
    assert send(alice, console.things.ticket, kind=kind) == 303
    console.later(seconds=14)
    assert send(alice, console.things.ticket, kind=kind) == 303
    assert sent(console, console.things.ticket) == 1


def test_other_words_another_agent_another_ticket_and_another_time_are_sent(
    console: Console, browsers: tuple[Browser, Browser]
) -> None:
    alice, bob = browsers
    assert send(alice, console.things.ticket) == 303 == send(alice, console.things.ticket, f"{WORDS} Then wait.")
    assert send(bob, console.things.ticket) == 303 and sent(console, console.things.ticket) == 2
    assert send(alice, console.things.other) == 303 and sent(console, console.things.other) == 1


def test_after_half_a_minute_the_same_note_is_meant_again(console: Console, browsers: tuple[Browser, Browser]) -> None:
    alice, _ = browsers
    assert send(alice, console.things.ticket, kind="note") == 303
    console.later(seconds=31)
    assert send(alice, console.things.ticket, kind="note") == 303
    assert sent(console, console.things.ticket) == 2


def test_a_wish_beyond_the_words_is_not_left_out_in_silence(
    console: Console, browsers: tuple[Browser, Browser]
) -> None:
    alice, _ = browsers
    assert send(alice, console.things.ticket) == 303
    assert send(alice, console.things.ticket, then="resolved") == 422
    assert sent(console, console.things.ticket) == 1
