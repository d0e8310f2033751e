"""Signatures in the console: seen before sending, left out where wanted, written on the pages by whom they are."""

from __future__ import annotations

from storage.people import people
from storage.tickets import signatures
from tests.console.conftest import Browser, Console
from usecases.agents import scheduled_replies


def test_what_stands_below_a_reply_is_seen_before_it_is_sent(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert 'aria-label="Signature"' not in alice.get(f"/tickets/{number}").text
    kept = alice.press("/account/signature", "/account", text="Yours,\r\n{agent.name} <b>")
    assert kept.headers["location"] == "/account?done=signature"
    name = "Alice"
    page = alice.get(f"/tickets/{number}").text
    assert 'aria-label="Signature"' in page and "&lt;b&gt;" in page and name in page
    assert "{agent.name} &lt;b&gt;" in alice.get("/account").text


def test_a_reply_goes_without_where_the_box_says_so(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    alice.press("/account/signature", "/account", text="Yours, A")
    alice.act(number, "reply", kind="reply", text="With.")
    alice.act(number, "reply", kind="reply", text="Without.", signature="without")
    assert [signatures.for_message(one) for one in console.messages()[-2:]] == ["Yours, A", ""]


def test_a_reply_that_waits_keeps_the_wish(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    alice.press("/account/signature", "/account", text="Yours, A")
    alice.act(number, "reply", kind="reply", text="Without.", signature="without", later="tomorrow")
    console.later(days=2)
    with console.store.database.transaction() as session:
        (waiting,) = scheduled_replies.scheduled_of_ticket(session, number)
        assert scheduled_replies.send_due(session, waiting.id, number, console.now[0])
    assert console.messages()[-1].text == "Without." and not signatures.for_message(console.messages()[-1])


def test_the_wish_to_go_without_survives_a_conflict(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    alice.press("/account/signature", "/account", text="Yours, A")
    page = alice.page(number)
    bob.act(number, "take")
    answer = alice.act(number, "reply", page, kind="reply", text="Mine.", signature="without")
    assert answer.status_code == 409 and 'name="signature" value="without"' in answer.text


def test_a_signature_that_is_too_long_is_refused(console: Console, alice: Browser) -> None:
    assert alice.press("/account/signature", "/account", text="x" * 3000).status_code == 422


def test_those_of_teams_and_mailboxes_are_the_leads(console: Console, alice: Browser, bob: Browser) -> None:
    with console.store.database.reading() as session:
        team, box = people.all_teams(session)[0], people.all_mailboxes(session)[0]
        roles = {one.address: one.role for one in people.all_agents(session)}
    lead, agent = (alice, bob) if roles["alice@corp.example.test"] in ("lead", "admin") else (bob, alice)
    assert lead.press("/signatures", "/signatures", of=f"team-{team.id}", text="The team").status_code == 303
    assert lead.press("/signatures", "/signatures", of=f"mailbox-{box.id}", text="The box").status_code == 303
    assert agent.press("/signatures", "/account", of=f"team-{team.id}", text="Mine").status_code == 403
    assert lead.press("/signatures", "/signatures", of="planet-1", text="x").status_code == 404
    page = agent.get("/signatures").text
    assert "The team" in page and "The box" in page
