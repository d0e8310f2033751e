"""What the pages ask of the record, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.routes import create_app
from desk.tickets.ticket import Status
from gateway.web.app import routes
from storage.access import api_tokens
from storage.open_store import Store
from storage.people import agent_sessions, people
from storage.tickets import listings
from storage.tickets.list_filter import NOBODY, TicketFilter
from tests.console.conftest import START, Browser
from tests.console.fixtures_desk import Furnished, furnish


@pytest.fixture
def things(any_store: Store) -> Furnished:
    return furnish(any_store, START)


@pytest.fixture
def alice(any_store: Store, things: Furnished) -> Iterator[Browser]:
    app = create_app(any_store, any_store.settings, routes(any_store, any_store.settings), clock=lambda: START)
    with TestClient(app) as client:
        browser = Browser(client)
        browser.sign_in()
        yield browser


def test_tickets_are_found_by_everything_that_can_be_asked(any_store: Store, things: Furnished) -> None:
    with any_store.database.reading() as session:
        for wanted, found in (
            (TicketFilter(), [things.other, things.ticket]),
            (TicketFilter(statuses=(Status.OPEN,), category="billing", priority="high", team=1), [things.ticket]),
            (TicketFilter(assignee=NOBODY), [things.other]),
            (TicketFilter(words="invoice wrong"), [things.ticket]),
            (TicketFilter(words="carol@customer.example.test"), [things.ticket]),
            (TicketFilter(words="4711"), [things.ticket]),
            (TicketFilter(words=f"#{things.other}"), [things.other]),
            (TicketFilter(words="' \" & | ! : * \\"), []),
        ):
            assert [row.id for row in listings.ticket_rows(session, wanted, before=None, most=9)] == found
        assert [row.id for row in listings.ticket_rows(session, TicketFilter(), before=things.other, most=9)] == [
            things.ticket
        ]
        assert listings.known_categories(session) == ["billing"]
        assert listings.status_counts(session) == {"open": 1, "new": 1}


def test_sessions_and_tokens_open_only_their_own_door(any_store: Store, things: Furnished) -> None:
    with any_store.database.transaction() as session:
        alice = people.by_ids(session, [things.alice])[things.alice]
        value = agent_sessions.begin(session, alice, START)
        token = api_tokens.create(session, "program", ["inbound"], START)
    with any_store.database.transaction() as session:
        assert agent_sessions.find_agent(session, value, START) == alice
        assert agent_sessions.find_agent(session, value + "x", START) is None
        assert api_tokens.find(session, token) is not None
        assert api_tokens.find(session, token + "x") is None
        with pytest.raises(ValueError, match="scope"):
            api_tokens.create(session, "program", ["everything"], START)


@pytest.mark.parametrize(
    "path", ["/tickets", "/tickets/1", "/ledger", "/quarantine", "/caught", "/mailboxes", "/api/v1/tickets/1"]
)
def test_every_page_shows(alice: Browser, path: str) -> None:
    assert alice.get(path).status_code == 200


def test_a_reply_a_note_a_split_and_a_merge(alice: Browser, things: Furnished) -> None:
    assert alice.act(things.ticket, "reply", kind="reply", text="Done.").status_code == 303
    assert alice.act(things.ticket, "reply", kind="note", text="Really.").status_code == 303
    assert alice.act(things.ticket, "split", message="3").headers["location"] == "/tickets/3?done=split"
    assert alice.act(3, "merge", into=str(things.ticket)).status_code == 303
    assert alice.act(things.ticket, "update", status="resolved", was_status="pending", tags="x").status_code == 303


def test_a_form_and_a_program_hand_in_requests(alice: Browser, any_store: Store) -> None:
    page: Any = alice.get("/request").text
    token = page.split('name="token" value="')[1].split('"')[0]
    typed = {"token": token, "email": "v@customer.example.test", "subject": "S", "body": "B"}
    files = {"files": ("large.bin", b"x" * 200_000)}
    for _ in range(2):
        assert alice.client.post("/request", data=typed, files=files, follow_redirects=False).status_code == 303
    with any_store.database.transaction() as session:
        bearer = {
            "Authorization": f"Bearer {api_tokens.create(session, 'p', ['inbound'], START)}",
            "Idempotency-Key": "1",
        }
    body = {"email": "v@customer.example.test", "body": "B"}
    answers = [alice.client.post("/api/v1/inbound", json=body, headers=bearer) for _ in range(2)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert alice.client.post("/api/v1/inbound", json=body | {"body": "C"}, headers=bearer).status_code == 422
    assert "It adds up: 4 accepted" in alice.get("/ledger").text
