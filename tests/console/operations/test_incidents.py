"""The pages of an incident: what they show, and what is done for all of its tickets, once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from desk.incidents.detector import Alarm, Key
from desk.priority.assess import DEFAULT_MATRIX, matrix
from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.fields import Field
from desk.tickets.ticket import DESK, Actor, ActorKind, MessageKind, Status
from storage.incidents import incidents
from storage.incidents.incidents import DISMISSED, MEMBER, RESOLVED, SUGGESTED
from storage.open_store import Store
from storage.tickets import tickets
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import plain_ticket
from usecases.incidents import bulk_orders, duplicates
from usecases.incidents import members as incident_members
from usecases.incidents.bulk_orders import NewOrder
from usecases.incidents.members import Joining
from usecases.tickets import custom_fields

_KEY = re.compile(r'name="key" value="([^"]+)"')


def outage(store: Store, people: int, now: datetime, state: str = MEMBER) -> tuple[int, list[int]]:
    """An open incident with so many tickets."""
    with store.database.transaction() as session:
        why = f"{people} people wrote about Network within 15 minutes, where 0.2 would be usual"
        number = incidents.open_incident(session, Alarm(Key("Network"), people, people, 15, 1e-6, why), now)
        assert number is not None
        made = [
            plain_ticket(session, f"user{n}@place{n}.example.test", "No <network>", "The network is down.", now).id
            for n in range(people)
        ]
        incidents.add_tickets(session, number, dict.fromkeys(made, (state, 0.8)), now)
        if state == MEMBER:
            incident_members.add_members(
                session, number, made, matrix(DEFAULT_MATRIX), Joining(DESK, now, "the same words")
            )
    return number, made


def key_of(browser: Browser, number: int) -> str:
    found = _KEY.search(browser.get(f"/incidents/{number}").text)
    assert found
    return found[1]


def order(browser: Browser, number: int, verb: str, **fields: str) -> int:
    where = f"/incidents/{number}"
    return int(browser.press(f"{where}/{verb}", where, **({"key": key_of(browser, number)} | fields)).status_code)


def test_an_incident_is_listed_shown_and_named_on_its_tickets(console: Console, alice: Browser) -> None:
    number, (first, *_) = outage(console.store, 4, START)
    listed = alice.get("/incidents").text
    assert f'href="/incidents/{number}"' in listed and "4 people wrote about Network" in listed
    shown = alice.get(f"/incidents/{number}").text
    assert "Answer 4 tickets" in shown and "No &lt;network&gt;" in shown and f'href="/tickets/{first}"' in shown
    assert f'href="/incidents/{number}">incident {number}</a>: 4 people' in alice.get(f"/tickets/{first}").text
    assert "affects many users: 4 people in 1 minutes" in alice.get(f"/tickets/{first}").text
    assert alice.get("/incidents/99").status_code == 404
    assert alice.get("/incidents?state=dismissed").text.count("None here.") == 1


def test_one_text_answers_every_open_ticket_once(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 4, START)
    with console.store.database.transaction() as session:
        held = tickets.get(session, made[0], lock=True)
        assert held
        tickets.save(session, transitions.close(held, DESK, START))
    key = key_of(alice, number)
    for _ in range(2):
        assert order(alice, number, "answer", text="We are working on it.", key=key) == 303
    for place, ticket in enumerate(made):
        replies = [m for m in console.messages(ticket) if not m.inbound and m.kind is MessageKind.REPLY]
        assert [m.reply for m in replies] == ([] if place == 0 else ["We are working on it."])
        assert all(m.author.name == "Alice" for m in replies)
        assert [e.kind for e in console.events(ticket)].count("replied") == len(replies)
    assert "3 of 4 tickets changed" in alice.get(f"/incidents/{number}").text


def test_an_answer_without_text_or_key_is_refused(console: Console, alice: Browser) -> None:
    number, _ = outage(console.store, 3, START)
    assert order(alice, number, "answer", text="  ") == 409
    assert order(alice, number, "answer", text="Hello", key="") == 409


def test_all_are_resolved_and_it_is_over(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 3, START)
    assert order(alice, number, "resolve", text="It works again.") == 303
    for ticket in made:
        assert console.ticket(ticket).status is Status.RESOLVED
        assert console.messages(ticket)[-1].reply == "It works again."
    with console.store.database.reading() as session:
        found = incidents.get(session, number)
    assert found and found.state == RESOLVED and found.ended_by == console.things.alice
    assert "False alarm?" not in alice.get(f"/incidents/{number}").text


def test_a_ticket_that_lacks_a_required_field_is_answered_and_stays_open(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 2, START)
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("site", "Site", required=True))
        held = tickets.get(session, made[0], lock=True)
        assert held
        tickets.save(session, custom_fields.fill_field(session, held, "site", "North", DESK, START))
    assert order(alice, number, "resolve", text="It works again.") == 303
    assert [console.ticket(ticket).status for ticket in made] == [Status.RESOLVED, Status.PENDING]
    assert console.messages(made[1])[-1].reply == "It works again."
    assert "Site should be filled in" in next(e.why for e in console.events(made[1]) if e.kind == "not_resolved")


def test_a_false_alarm_sets_the_priorities_back_where_nobody_changed_them(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 4, START)
    with console.store.database.transaction() as session:
        held = tickets.get(session, made[0], lock=True)
        assert held
        bob = Actor(ActorKind.AGENT, console.things.bob, "Bob")
        low = tickets.save(session, transitions.set_priority(held, Priority.LOW, bob, START))
        tickets.save(session, transitions.set_priority(low, Priority.URGENT, bob, START))
    assert order(alice, number, "dismiss") == 303
    assert [console.ticket(ticket).priority for ticket in made] == [Priority.URGENT, *[Priority.MEDIUM] * 3]
    assert [e.kind for e in console.events(made[1])][-2:] == ["priority_changed", "incident_dismissed"]
    assert order(alice, number, "dismiss") == 409
    with console.store.database.reading() as session:
        assert incidents.dismissed_keys(session, ["Network"], START - timedelta(days=1)) == {Key("Network"): 4}
        assert incidents.dismissed_keys(session, ["Network"], START + timedelta(days=1)) == {}
        found = incidents.get(session, number)
    assert found and found.state == DISMISSED


def test_a_ticket_is_taken_out_and_in_again(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 4, START)
    assert order(alice, number, "take-out", ticket=str(made[1])) == 303
    assert console.ticket(made[1]).priority is Priority.MEDIUM
    assert "Answer 3 tickets" in alice.get(f"/incidents/{number}").text
    assert order(alice, number, "take-out", ticket=str(made[1])) == 409
    assert order(alice, number, "include", ticket=str(made[1])) == 303
    assert console.ticket(made[1]).priority is Priority.URGENT
    assert order(alice, number, "include", ticket="many") == 409


def test_a_suggested_ticket_is_neither_raised_nor_answered(console: Console, alice: Browser) -> None:
    number, made = outage(console.store, 3, START, SUGGESTED)
    assert console.ticket(made[0]).priority is Priority.MEDIUM
    page = alice.get(f"/incidents/{number}").text
    assert "Suggested tickets" in page and "Answer all" not in page
    assert "Perhaps part of" in alice.get(f"/tickets/{made[0]}").text


def test_five_hundred_tickets_are_answered_in_steps(any_store: Store) -> None:
    number, made = outage(any_store, 130, START)
    with any_store.database.transaction() as session:
        one = bulk_orders.place_order(session, NewOrder(number, "k", "answer", "Soon.", DESK), START)
    steps = 1
    while True:
        with any_store.database.transaction() as session:
            if not bulk_orders.run_step(session, one.id, START):
                break
        steps += 1
    with any_store.database.reading() as session:
        done = bulk_orders.get(session, one.id)
        said = [sum(not m.inbound for m in tickets.messages_of(session, ticket)) for ticket in made]
    assert steps == 4 and done.done == 130 and done.done_at == START and said == [1] * 130


def test_a_reader_sees_but_cannot_act(console: Console, app: object) -> None:
    from starlette.testclient import TestClient

    number, _ = outage(console.store, 3, START)
    with TestClient(app) as client:  # type: ignore[arg-type]
        rita = Browser(client)
        rita.sign_in("rita")
        page = rita.get(f"/incidents/{number}").text
        assert "Answer all" not in page and "Remove from incident" not in page
        assert rita.press(f"/incidents/{number}/dismiss", "/account", key="k").status_code == 403


def test_a_repeat_is_shown_on_both_tickets(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        one, two = (plain_ticket(session, "dora@x.example.test", "Toner", "Toner is out.", START).id for _ in "ab")
        assert duplicates.link_duplicates(session, [(two, one)], START) == 1
        assert duplicates.link_duplicates(session, [(two, one)], START) == 0
    assert f'Duplicate of <a href="/tickets/{one}">' in alice.get(f"/tickets/{two}").text
    assert "by the same requester is a duplicate" in alice.get(f"/tickets/{one}").text
    assert [e.kind for e in console.events(one)].count("linked") == 1


@pytest.mark.parametrize("verb", ["answer", "resolve", "dismiss", "take-out", "include"])
def test_orders_need_the_sessions_token(console: Console, alice: Browser, verb: str) -> None:
    number, _ = outage(console.store, 3, START)
    response = alice.client.post(f"/incidents/{number}/{verb}", data={"key": "k", "text": "x"}, follow_redirects=False)
    assert response.status_code == 403
