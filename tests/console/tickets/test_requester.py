"""Whose a ticket is and who takes part, in the console and by JSON; an agent's other addresses on their page."""

from __future__ import annotations

import pytest

from storage.access import api_tokens
from storage.people import people
from storage.tickets import tickets
from tests.console.conftest import START, Browser, Console, csrf
from usecases.agents import aliases

ERIKA, OTHER = "erika@home.example.test", "alice@private.example.test"


def requester(console: Console) -> str:
    with console.store.database.reading() as session:
        number = console.ticket().requester_id
        return people.by_ids(session, [number])[number].address


def test_an_agent_changes_the_requester_and_the_history_says_so(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert alice.act(number, "requester", address=ERIKA).headers["location"].endswith("?done=updated")
    assert requester(console) == ERIKA and console.events()[-1].after == ERIKA
    assert f" to {ERIKA}" in alice.get(f"/tickets/{number}").text
    assert alice.act(number, "requester", address="nobody").status_code == 422


def test_a_program_changes_the_requester(console: Console, stranger: Browser) -> None:
    with console.store.database.transaction() as session:
        token = api_tokens.create(session, "shop", ["tickets:write"], START)
    head, path = {"Authorization": f"Bearer {token}"}, f"/api/v1/tickets/{console.things.ticket}/requester"
    seen = console.ticket().version
    answer = stranger.client.post(path, json={"requester": ERIKA, "version": seen}, headers=head)
    assert answer.json()["requester"] == ERIKA == requester(console)
    again = stranger.client.post(path, json={"requester": "x@y.test", "version": seen}, headers=head)
    assert again.status_code == 409 and requester(console) == ERIKA


@pytest.mark.parametrize("body", [{}, {"requester": 3}, {"requester": "nobody"}, {"requester": ""}])
def test_a_program_that_names_nobody_changes_nothing(
    console: Console, stranger: Browser, body: dict[str, object]
) -> None:
    with console.store.database.transaction() as session:
        token = api_tokens.create(session, "shop", ["tickets:write"], START)
    before, head = requester(console), {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/tickets/{console.things.ticket}/requester"
    assert stranger.client.post(path, json=body, headers=head).status_code == 422
    assert requester(console) == before


def test_whom_the_desk_suggests_is_put_in_copy_by_one_click(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    with console.store.database.transaction() as session:
        tickets.add_participants(session, [(number, ERIKA, "asked")])
    page = alice.get(f"/tickets/{number}").text
    assert f"Add {ERIKA} to CC" in page and "was written to as well; not in CC" in page
    alice.act(number, "copy", address=ERIKA)
    with console.store.database.reading() as session:
        assert tickets.participants_of(session, [number])[number][ERIKA] == "added"
    assert f"Add {ERIKA} to CC" not in alice.get(f"/tickets/{number}").text


def test_an_agent_confirms_an_address_that_was_seen_and_takes_it_away(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        agent = people.by_address(session, "alice@corp.example.test")
        assert agent
        aliases.record_seen(session, agent.id, OTHER, START)
    page = alice.get("/account")
    assert OTHER in page.text and ">Confirm<" in page.text
    token = csrf(page.text)
    alice.client.post("/account/aliases", data={"csrf": token, "confirm": OTHER})
    with console.store.database.reading() as session:
        assert aliases.agents_by_alias(session, [OTHER])[OTHER].id == agent.id
    alice.client.post("/account/aliases", data={"csrf": token, "remove": OTHER})
    assert OTHER not in alice.get("/account").text
    refused = alice.client.post("/account/aliases", data={"csrf": token, "confirm": OTHER})
    assert refused.status_code == 422
