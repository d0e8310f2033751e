"""Side conversations in the console and the API: asked, answered, closed; what is refused keeps what was typed."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from desk.mail.content import MailContent
from desk.mail.states import OutboundState
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import Message
from storage.access import api_tokens
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from tests.console.conftest import START, Browser, Console
from usecases.tickets import side_conversations

SUE = "sue@supplier.example.test"


def sides(console: Console) -> list[Side]:
    with console.store.database.reading() as session:
        return side_conversations.of_ticket(session, console.things.ticket)


def said(console: Console) -> list[Message]:
    with console.store.database.reading() as session:
        found = side_conversations.messages_by_conversation(session, console.things.ticket)
    return [one for words in found.values() for one in words]


def ask(browser: Browser, console: Console, **fields: str) -> Any:
    data = {"to": SUE, "subject": "Part 7", "words": "Is it in stock?"} | fields
    return browser.act(console.things.ticket, "aside/begin", **data)


def test_a_third_party_is_asked_from_the_ticket_page(alice: Browser, console: Console) -> None:
    before = len(console.messages())
    answer = ask(alice, console)
    assert answer.status_code == 303 and answer.headers["location"].endswith("#side-1")
    page = alice.get(answer.headers["location"]).text
    assert "Message sent in the side conversation." in page and "Is it in stock?" in page and SUE in page
    assert len(console.messages()) == before, "the conversation with the requester is as it was"
    assert [event.kind for event in console.events()][-2:] == ["side_opened", "side_sent"]


def test_a_double_click_sends_once(alice: Browser, console: Console) -> None:
    ask(alice, console)
    ask(alice, console)
    for _ in range(2):
        alice.act(console.things.ticket, "aside/say", side="1", words="Hello?")
    assert [one.reply for one in said(console)] == ["Is it in stock?", "Hello?"]


def test_it_is_closed_and_opened_again(alice: Browser, console: Console) -> None:
    ask(alice, console)
    alice.act(console.things.ticket, "aside/end", side="1")
    assert [side.state for side in sides(console)] == ["closed"]
    assert "Reopen this side conversation" in alice.get(f"/tickets/{console.things.ticket}").text
    alice.act(console.things.ticket, "aside/reopen", side="1")
    assert [side.state for side in sides(console)] == ["open"]


def test_the_ticket_is_put_on_hold_until_they_answer(alice: Browser, console: Console) -> None:
    ask(alice, console, hold="1")
    assert console.ticket().status == "on_hold" and sides(console)[0].holds


def test_what_is_refused_keeps_what_was_typed_and_offers_it_to_nobody_else(alice: Browser, console: Console) -> None:
    answer = ask(alice, console, to="not an address", words="Only for the supplier.")
    assert answer.status_code == 422 and "is no address" in answer.text
    assert answer.text.count("Only for the supplier.") == 1
    reply = answer.text.split('id="text"')[1].split("</textarea>")[0]
    assert "Only for the supplier." not in reply
    assert sides(console) == []


def test_who_may_only_read_reads_them_and_has_no_form(alice: Browser, console: Console, app: Any) -> None:
    ask(alice, console)
    with TestClient(app, client=("192.0.2.30", 4000)) as client:
        rita = Browser(client)
        assert rita.sign_in("rita").status_code == 303
        page = rita.get(f"/tickets/{console.things.ticket}").text
        assert "Is it in stock?" in page and "/aside/" not in page
        assert rita.press(f"/tickets/{console.things.ticket}/aside/end", "/account", side="1").status_code == 403


def test_a_mail_that_did_not_arrive_is_seen_before_the_conversation_is_opened(alice: Browser, console: Console) -> None:
    ask(alice, console)
    with console.store.database.transaction() as session:
        message = side_conversations.messages_by_conversation(session, console.things.ticket)[1][0].id
        ticket, state = console.things.ticket, OutboundState.UNDELIVERABLE
        lost = OutboundMessage("side:x", "side", SUE, "x@desk.test", MailContent(), ticket, message, state=state)
        outbound.store(session, [lost], START)
    summary = alice.get(f"/tickets/{console.things.ticket}").text.split('id="side-1"')[1].split("</summary>")[0]
    assert "not delivered" in summary and "no answer yet" not in summary


def test_another_tickets_conversation_is_not_written_in_from_here(alice: Browser, console: Console) -> None:
    ask(alice, console)
    other = next(n for n in range(1, 9) if n != console.things.ticket)
    assert alice.act(other, "aside/say", side="1", words="x").status_code == 404
    assert len(said(console)) == 1


@pytest.fixture
def token(console: Console) -> dict[str, str]:
    with console.store.database.transaction() as session:
        made = api_tokens.create(session, "shop", ["tickets", "tickets:write"], START)
    return {"Authorization": f"Bearer {made}"}


def test_a_program_asks_writes_on_closes_and_reads(stranger: Browser, console: Console, token: dict[str, str]) -> None:
    path = f"/api/v1/tickets/{console.things.ticket}/sides"

    def post(where: str, body: object) -> Any:
        return stranger.client.post(where, json=body, headers=token)

    made = post(path, {"to": SUE, "subject": "Part 7", "text": "Is it there?", "quote": 1})
    assert made.status_code == 200 and made.json()["state"] == "open", made.text
    number = made.json()["id"]
    assert post(path, {"to": SUE, "subject": "Part 7", "text": "Is it there?", "quote": 1}).json()["id"] == number
    for _ in range(2):
        assert len(post(f"/api/v1/sides/{number}/messages", {"text": "Hello?"}).json()["messages"]) == 2
    assert post(f"/api/v1/sides/{number}/state", {"state": "closed"}).json()["state"] == "closed"
    listed = stranger.client.get(path, headers=token).json()["side_conversations"]
    assert [m["reply"] for m in listed[0]["messages"]] == ["Is it there?", "Hello?"]
    whole = stranger.client.get(f"/api/v1/tickets/{console.things.ticket}", headers=token).json()
    assert whole["side_conversations"] == listed
    assert all(one["kind"] != "side" for one in whole["messages"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"to": "nobody", "subject": "x", "text": "x"}, 422),
        ({"to": SUE, "subject": "x", "text": " "}, 422),
        ({"to": SUE, "subject": "x"}, 422),
        ({"to": SUE, "text": "x", "files": [[1]]}, 422),
        ({"to": SUE, "text": "x", "quote": 99}, 422),
        ({"to": SUE, "text": "x", "files": [[999_999, 0]]}, 422),
    ],
)
def test_what_a_program_asks_wrongly_is_refused(
    stranger: Browser, console: Console, token: dict[str, str], body: object, code: int
) -> None:
    path = f"/api/v1/tickets/{console.things.ticket}/sides"
    assert stranger.client.post(path, json=body, headers=token).status_code == code
    assert stranger.client.post("/api/v1/sides/77/messages", json={"text": "x"}, headers=token).status_code == 404
    assert sides(console) == []
