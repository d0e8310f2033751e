"""Replies and notes by JSON: as oneself, or by a token in an agent's name; with a signature or without."""

from __future__ import annotations

from typing import Any

import pytest

from desk.tickets.fields import Field
from desk.tickets.ticket import MessageKind, Status
from storage.access import api_tokens
from storage.people import people
from storage.tickets import signatures
from tests.console.conftest import START, Browser, Console, csrf
from usecases.tickets import custom_fields

ALICE = "alice@corp.example.test"


@pytest.fixture
def head(console: Console) -> dict[str, str]:
    """A token that may write; and Alice has a signature."""
    with console.store.database.transaction() as session:
        agent = people.by_address(session, ALICE)
        assert agent
        signatures.set_agent(session, agent.id, "Yours, {agent.name}")
        return {"Authorization": f"Bearer {api_tokens.create(session, 'shop', ['tickets:write'], START)}"}


def post(browser: Browser, console: Console, verb: str, head: dict[str, str], **body: Any) -> Any:
    path = f"/api/v1/tickets/{console.things.ticket}/{verb}"
    return browser.client.post(path, json=body, headers=head)


def test_a_token_answers_in_an_agents_name_and_says_which_it_is(
    console: Console, stranger: Browser, head: dict[str, str]
) -> None:
    answer = post(stranger, console, "reply", head, text="It is fixed.", by=ALICE, resolve=True)
    assert answer.status_code == 200 and answer.json()["status"] == "resolved"
    said = console.messages()[-1]
    assert (said.text, said.author.name, said.signal_detail) == ("It is fixed.", "Alice", "api token shop")
    assert signatures.for_message(said) == "Yours, Alice" and console.ticket().resolution == "It is fixed."


def test_a_reply_may_go_without_the_signature_and_a_note_has_none(
    console: Console, stranger: Browser, head: dict[str, str]
) -> None:
    assert post(stranger, console, "reply", head, text="Bare.", by=ALICE, signature=False).status_code == 200
    assert signatures.for_message(console.messages()[-1]) == ""
    assert post(stranger, console, "note", head, text="Inside.", by=ALICE).status_code == 200
    last = console.messages()[-1]
    assert (last.kind, last.text, signatures.for_message(last)) == (MessageKind.NOTE, "Inside.", "")


def test_the_same_version_is_answered_once(console: Console, stranger: Browser, head: dict[str, str]) -> None:
    seen = console.ticket().version
    assert post(stranger, console, "reply", head, text="Once.", by=ALICE, version=seen).status_code == 200
    assert post(stranger, console, "reply", head, text="Once.", by=ALICE, version=seen).status_code == 409
    assert [one.text for one in console.messages()].count("Once.") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"text": " ", "by": ALICE},
        {"text": 3, "by": ALICE},
        {"text": "x"},
        {"text": "x", "by": "nobody@corp.example.test"},
        {"text": "x", "by": ALICE, "resolve": "yes"},
        {"text": "x", "by": ALICE, "signature": 1},
    ],
)
def test_what_cannot_be_meant_says_nothing(
    console: Console, stranger: Browser, head: dict[str, str], body: dict[str, Any]
) -> None:
    before = len(console.messages())
    assert post(stranger, console, "reply", head, **body).status_code == 422
    assert len(console.messages()) == before


def test_a_required_field_holds_the_reply_that_would_resolve(
    console: Console, stranger: Browser, head: dict[str, str]
) -> None:
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("asset", required=True))
    answer = post(stranger, console, "reply", head, text="Fixed.", by=ALICE, resolve=True)
    assert answer.status_code == 422 and "Asset should be filled in" in answer.text
    assert console.ticket().status is not Status.RESOLVED and console.messages()[-1].text != "Fixed."


def test_an_agents_session_answers_as_itself(console: Console, alice: Browser, head: dict[str, str]) -> None:
    own = {"X-CSRF-Token": csrf(alice.get("/account").text)}
    assert post(alice, console, "reply", own, text="Mine.", by="bob@corp.example.test").status_code == 200
    assert console.messages()[-1].author.id == console.things.alice
    assert post(alice, console, "reply", {}, text="Mine.").status_code == 403
