"""A ticket of a thousand messages comes in pages, for people and for programs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from desk.tickets.ticket import Actor, ActorKind, Event, Message, MessageKind
from storage.tickets import tickets
from tests.console.conftest import START, Browser, Console

MANY = 1_000


@pytest.fixture
def number(console: Console) -> int:
    """A ticket with a thousand messages more, and as many entries in its history."""
    who = Actor(ActorKind.REQUESTER, None, "Carol")
    with console.store.database.transaction() as session:
        for n in range(MANY):
            at = START + timedelta(seconds=n)
            text = f"word-{n}-"
            said = Message(console.things.ticket, MessageKind.REPLY, True, who, at, text=text, reply=text)
            tickets.add_message(session, said)
        events = [Event(console.things.ticket, START, "tagged", who, after=f"entry-{n}-") for n in range(MANY)]
        tickets.add_events(session, events, react=False)
    return console.things.ticket


def test_programs_read_the_messages_of_a_long_ticket_page_by_page(number: int, alice: Browser) -> None:
    read: list[str] = []
    after, pages = 0, 0
    while after is not None:
        page = alice.get(f"/api/v1/tickets/{number}?after={after}").json()
        assert len(page["messages"]) <= 200
        read += [one["text"] for one in page["messages"]]
        after, pages = page["next_messages"], pages + 1
    assert [one for one in read if one.startswith("word-")] == [f"word-{n}-" for n in range(MANY)]
    assert pages == 6 and len(read) == len(set(read))


@pytest.mark.parametrize(
    ("most", "count"), [("1", 1), ("0", 200), ("", 200), ("²", 200), ("-5", 200), ("9999", 500), ("9" * 30, 200)]
)
def test_no_page_for_programs_is_longer_than_the_limit(number: int, alice: Browser, most: str, count: int) -> None:
    assert len(alice.get(f"/api/v1/tickets/{number}", params={"most": most}).json()["messages"]) == count


def test_the_page_of_a_long_ticket_shows_a_part_and_the_way_to_the_rest(number: int, alice: Browser) -> None:
    first = alice.get(f"/tickets/{number}").text
    assert "word-0-" in first and "word-999-" not in first and "Later messages" in first
    assert "entry-999-" in first and "entry-0-" not in first and "history=all" in first
    assert "entry-0-" in alice.get(f"/tickets/{number}?history=all").text
