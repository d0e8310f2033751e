"""Many tickets at once: what would change is shown first, each gets its own events, and what was not done is said."""

from __future__ import annotations

from typing import Any

from desk.tickets import transitions
from desk.tickets.fields import Field
from desk.tickets.ticket import Actor, ActorKind, Status
from storage.tickets import tickets
from tests.console.conftest import Browser, Console
from usecases.tickets import custom_fields


def picks(console: Console) -> dict[str, str]:
    numbers = (console.things.ticket, console.things.other)
    return {f"pick-{number}": str(console.ticket(number).version) for number in numbers}


def send(browser: Browser, console: Console, **fields: str) -> Any:
    return browser.press("/tickets/bulk", "/tickets", **(picks(console) | fields))


def test_what_would_change_is_shown_and_nothing_is_done_yet(console: Console, alice: Browser) -> None:
    before = console.ticket()
    answer = send(alice, console, priority="low", tag="spring, cleaning", assign="bob@corp.example.test")
    assert answer.status_code == 200 and "Change 2 tickets" in answer.text and "assigned it to Bob" in answer.text
    assert console.ticket() == before


def test_confirmed_it_is_done_to_each_with_events_of_its_own(console: Console, alice: Browser) -> None:
    answer = send(alice, console, priority="low", tag="spring, cleaning", assign="me", team="IT", confirm="1")
    assert "<strong>2</strong> changed" in answer.text
    for number in (console.things.ticket, console.things.other):
        ticket = console.ticket(number)
        assert (ticket.priority, ticket.assignee_id, ticket.team_id) == ("low", console.things.alice, 2)
        assert ticket.tags[-2:] == ("spring", "cleaning")
        assert console.events(number)[-1].actor.name == "Alice"


def test_what_somebody_changed_meanwhile_is_left_and_said(console: Console, alice: Browser, bob: Browser) -> None:
    seen = picks(console)
    bob.act(console.things.ticket, "reply", kind="note", text="Mine.")
    answer = alice.press("/tickets/bulk", "/tickets", **seen, status="resolved", confirm="1")
    assert "<strong>1</strong> changed" in answer.text and "somebody changed it meanwhile" in answer.text
    assert console.ticket().status is Status.OPEN
    assert console.ticket(console.things.other).status is Status.RESOLVED


def test_all_of_a_tickets_actions_are_done_or_none(console: Console, alice: Browser) -> None:
    actor = Actor(ActorKind.AGENT, console.things.alice, "Alice")
    with console.store.database.transaction() as session:
        ticket = tickets.get(session, console.things.other, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.close(ticket, actor, console.now[0]))
    answer = send(alice, console, tag="x", status="pending", confirm="1")
    assert "cannot become pending" in answer.text and "x" not in console.ticket(console.things.other).tags
    assert "x" in console.ticket().tags


def test_many_are_merged_into_one(console: Console, alice: Browser) -> None:
    into = console.things.ticket
    answer = send(alice, console, into=f"#{into}", confirm="1")
    assert "<strong>1</strong> changed" in answer.text and "cannot be merged" in answer.text
    assert console.ticket(console.things.other).merged_into == into


def test_required_fields_hold_for_many_too(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("amount", required=True))
    assert "Amount should be filled in" in send(alice, console, status="resolved").text


def test_nothing_picked_or_chosen_is_said(console: Console, alice: Browser) -> None:
    assert "no ticket was picked" in alice.press("/tickets/bulk", "/tickets", status="closed").text
    assert "nothing was chosen" in send(alice, console).text
    assert "should be one of" in send(alice, console, status="lost").text
