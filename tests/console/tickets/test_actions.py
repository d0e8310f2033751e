"""What agents do on a ticket page, and what happens when two do it at once."""

from __future__ import annotations

import pytest

from desk.tickets.ticket import MessageKind, Status
from tests.console import fixtures_desk
from tests.console.conftest import Browser, Console


def test_a_reply_is_public_and_a_note_is_not(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert (
        alice.act(number, "reply", kind="reply", text="It is fixed.\r\nBye")
        .headers["location"]
        .endswith("?done=replied")
    )
    assert alice.act(number, "reply", kind="note", text="It was our fault.").headers["location"].endswith("?done=noted")
    said, noted = console.messages()[-2:]
    assert (said.kind, said.text, said.inbound, said.author.name) == (
        MessageKind.REPLY,
        "It is fixed.\nBye",
        False,
        "Alice",
    )
    assert (noted.kind, noted.signal_detail) == (MessageKind.NOTE, "console")
    assert console.ticket().status is Status.PENDING
    assert [event.kind for event in console.events()][-3:] == ["replied", "status_changed", "noted"]


def test_a_reply_may_resolve_at_once(console: Console, alice: Browser) -> None:
    alice.act(console.things.ticket, "reply", kind="reply", text="Done.", then="resolved")
    assert console.ticket().status is Status.RESOLVED


@pytest.mark.parametrize("text", ["", "  \r\n "])
def test_an_empty_reply_is_refused_with_the_reason(console: Console, alice: Browser, text: str) -> None:
    answer = alice.act(console.things.ticket, "reply", kind="reply", text=text)
    assert answer.status_code == 422
    assert "there is no text to send" in answer.text


def test_everything_in_the_panel_is_saved_in_one_step(console: Console, alice: Browser) -> None:
    was = {"was_status": "open", "was_assignee": str(console.things.alice), "was_priority": "high", "was_team": "1"}
    wanted = {
        "status": "on_hold",
        "assignee": str(console.things.bob),
        "priority": "urgent",
        "team": "2",
        "category": "refund",
        "was_category": "billing",
        "tags": "money, vip, money",
    }
    before = console.ticket().version
    assert alice.act(console.things.ticket, "update", **was, **wanted).status_code == 303
    ticket = console.ticket()
    assert (ticket.status, ticket.assignee_id, ticket.priority, ticket.team_id) == (
        "on_hold",
        console.things.bob,
        "urgent",
        2,
    )
    assert (ticket.category, ticket.tags, ticket.version) == ("refund", ("vip", "money"), before + 1)


def test_what_the_agent_did_not_touch_stays_as_it_is(console: Console, alice: Browser) -> None:
    same = {
        "status": "new",
        "was_status": "new",
        "assignee": "",
        "was_assignee": "",
        "category": "",
        "was_category": "",
    }
    alice.act(console.things.ticket, "update", **same, priority="low", was_priority="high")
    ticket = console.ticket()
    assert (ticket.status, ticket.assignee_id, ticket.category, ticket.priority) == (
        "open",
        console.things.alice,
        "billing",
        "low",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "nonsense"},
        {"status": "new"},
        {"assignee": "4"},
        {"assignee": "x"},
        {"assignee": "99999"},
        {"team": "99"},
        {"priority": "x"},
    ],
)
def test_a_choice_that_is_none_is_refused_and_nothing_is_saved(
    console: Console, alice: Browser, fields: dict[str, str]
) -> None:
    version = console.ticket().version
    answer = alice.act(console.things.ticket, "update", **fields, tags="half")
    assert answer.status_code == 422
    assert "Failed: " in answer.text
    assert console.ticket().version == version


def test_a_ticket_can_be_taken(console: Console, bob: Browser) -> None:
    bob.act(console.things.ticket, "take")
    assert console.ticket().assignee_id == console.things.bob


def test_a_message_can_be_split_off(console: Console, alice: Browser) -> None:
    message = console.messages()[2]
    answer = alice.act(console.things.ticket, "split", message=str(message.id))
    assert answer.headers["location"] == "/tickets/3?done=split"
    assert [one.id for one in console.messages(3)] == [message.id]
    assert "#3" in alice.get(f"/tickets/{console.things.ticket}").text


@pytest.mark.parametrize("message", ["", "x", "5", "999", "9" * 30])
def test_a_message_of_another_ticket_cannot_be_split_off(console: Console, alice: Browser, message: str) -> None:
    assert alice.act(console.things.ticket, "split", message=message).status_code == 422


def test_a_ticket_can_be_merged_into_another(console: Console, alice: Browser) -> None:
    answer = alice.act(console.things.other, "merge", into=f" #{console.things.ticket}")
    assert answer.headers["location"] == f"/tickets/{console.things.ticket}?done=merged"
    assert console.ticket(console.things.other).merged_into == console.things.ticket
    page = alice.get(f"/tickets/{console.things.other}").text
    assert "was merged into" in page
    assert 'class="composer"' not in page


@pytest.mark.parametrize("into", ["", "x", "999", "1", "9" * 30])
def test_a_merge_into_nothing_or_itself_is_refused(console: Console, alice: Browser, into: str) -> None:
    answer = alice.act(console.things.ticket, "merge", into=into)
    assert answer.status_code == 422
    assert console.ticket().merged_into is None


def test_when_two_write_at_once_the_second_sees_what_changed_and_keeps_the_text(
    console: Console, alice: Browser, bob: Browser
) -> None:
    seen_by_alice = alice.page(console.things.ticket)
    bob.act(console.things.ticket, "reply", kind="reply", text="Bob was faster.")
    answer = alice.act(console.things.ticket, "reply", seen_by_alice, kind="reply", text="My <b>long</b> answer.")
    assert answer.status_code == 409
    assert "<strong>Bob</strong> replied" in answer.text
    assert "My &lt;b&gt;long&lt;/b&gt; answer." in answer.text
    assert [one.text for one in console.messages()][-1] == "Bob was faster."


def test_from_the_conflict_page_the_text_can_be_sent_anyway(console: Console, alice: Browser, bob: Browser) -> None:
    old = alice.page(console.things.ticket)
    bob.act(console.things.ticket, "take")
    conflict = alice.act(
        console.things.ticket, "update", old, priority="low", was_priority="high", assignee="", was_assignee=""
    )
    assert conflict.status_code == 409
    assert "assigned it to Bob" in conflict.text
    assert "priority: <strong>low</strong>" in conflict.text
    carried = {"priority": "low", "was_priority": "high", "assignee": "", "was_assignee": ""}
    assert alice.act(console.things.ticket, "update", **carried).status_code == 303
    assert (console.ticket().priority, console.ticket().assignee_id) == ("low", console.things.bob)


def test_a_double_click_sends_one_reply(console: Console, alice: Browser) -> None:
    page = alice.page(console.things.ticket)
    answers = [alice.act(console.things.ticket, "reply", page, kind="reply", text="Once.") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert [one.text for one in console.messages()].count("Once.") == 1


@pytest.mark.parametrize("verb", ["reply", "update", "take", "split", "merge"])
def test_every_action_needs_the_token_of_the_page_and_our_origin(console: Console, alice: Browser, verb: str) -> None:
    page = alice.page(console.things.ticket)
    path, before = f"/tickets/{console.things.ticket}/{verb}", console.ticket()
    fields = page | {"text": "x", "kind": "note", "into": "2", "message": "1", "priority": "low"}
    for broken in ({"csrf": ""}, {"csrf": "x"}, {"csrf": "é"}):
        assert alice.client.post(path, data=fields | broken).status_code == 403
    for headers in (
        {"Origin": "https://evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver.evil.test"},
    ):
        assert alice.client.post(path, data=fields, headers=headers).status_code == 403
    assert alice.client.post(path, json=fields).status_code == 403
    text = "&".join(f"{name}={value}" for name, value in fields.items())
    assert alice.client.post(path, content=text, headers={"Content-Type": "text/plain"}).status_code == 403
    assert alice.client.get(path).status_code == 405
    assert console.ticket() == before


def test_another_agents_token_is_none(console: Console, alice: Browser, bob: Browser) -> None:
    page = alice.page(console.things.ticket) | {"csrf": bob.page(console.things.ticket)["csrf"]}
    assert alice.act(console.things.ticket, "take", page).status_code == 403


def test_an_agent_who_may_only_read_can_only_read(console: Console, stranger: Browser) -> None:
    stranger.sign_in("rita")
    page = stranger.get(f"/tickets/{console.things.ticket}").text
    assert 'class="composer"' not in page
    fields = {"version": str(console.ticket().version), "csrf": furnished_csrf(page), "kind": "note", "text": "x"}
    answer = stranger.client.post(f"/tickets/{console.things.ticket}/reply", data=fields)
    assert answer.status_code == 403
    assert len(console.messages()) == 4
    assert stranger.press("/quarantine/1/release", "/quarantine").status_code == 403
    assert stranger.press("/logout", "/tickets").status_code == 303


def furnished_csrf(page: str) -> str:
    return page.split('name="csrf" value="')[1].split('"')[0]


def test_an_agent_whose_role_was_taken_cannot_finish_what_was_begun(console: Console, alice: Browser) -> None:
    page = alice.page(console.things.ticket)
    with console.store.database.transaction() as session:
        fixtures_desk.promote(session, console.things.alice, "read-only")
    assert alice.act(console.things.ticket, "take", page).status_code == 403
    with console.store.database.transaction() as session:
        fixtures_desk.revoke(session, console.things.alice)
    assert alice.act(console.things.ticket, "take", page).headers["location"] == "/login"


def test_a_ticket_that_is_not_there_cannot_be_changed(console: Console, alice: Browser) -> None:
    page = alice.page(console.things.ticket)
    assert alice.act(999, "take", page).status_code == 404


def test_a_body_over_the_limit_is_refused(console: Console, alice: Browser) -> None:
    answer = alice.act(console.things.ticket, "reply", text="x" * 2_500_000)
    assert answer.status_code == 413
    assert alice.act(console.things.ticket, "reply", text="x" * 250_000).status_code == 422
