"""Drafts, undo send, send later: what was typed is never lost, and what is sent is sent once."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from console.routes import create_app
from desk.tickets import scheduled_replies
from desk.tickets.fields import Field
from desk.tickets.ticket import Actor, ActorKind, Message, MessageKind, NotAllowed, Status
from storage.open_store import Store
from storage.tickets import drafts, tickets
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import furnish
from tests.small_desk import categoriser
from usecases.agents import scheduled_replies as agents_scheduled_replies
from usecases.rules import macros
from usecases.tickets import conversation, custom_fields
from usecases.tickets.conversation import Written
from workers.runtime.context import Context
from workers.timers import scheduled_replies as sender

_TEXT = re.compile(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', re.DOTALL)


@pytest.fixture
def console(any_store: Store) -> Console:
    return Console(any_store, furnish(any_store, START))


def browser_of(console: Console, name: str, seconds: int) -> Iterator[Browser]:
    settings = replace(console.store.settings, undo_send_seconds=seconds)
    with TestClient(create_app(console.store, settings, clock=lambda: console.now[0])) as client:
        browser = Browser(client)
        assert browser.sign_in(name).status_code == 303
        yield browser


@pytest.fixture
def alice(console: Console) -> Iterator[Browser]:
    yield from browser_of(console, "alice", 10)


@pytest.fixture
def bob(console: Console) -> Iterator[Browser]:
    yield from browser_of(console, "bob", 10)


@pytest.fixture
def context(console: Console) -> Context:
    return Context(console.store, categoriser(), now=lambda: console.now[0])


def box(browser: Browser, ticket: int) -> str:
    found = _TEXT.search(browser.get(f"/tickets/{ticket}").text)
    assert found
    return html.unescape(found[1])


def replies(console: Console) -> list[Message]:
    return [one for one in console.messages() if one.kind is MessageKind.REPLY and not one.inbound]


def waiting(console: Console) -> list[agents_scheduled_replies.ScheduledReply]:
    with console.store.database.reading() as session:
        return agents_scheduled_replies.scheduled_of_ticket(session, console.things.ticket)


def test_a_draft_is_there_on_any_device_and_nobody_elses(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    before = console.ticket().version
    assert alice.act(number, "draft", kind="note", text="Half a sen\r\ntence").status_code == 204
    assert box(alice, number) == "Half a sen\ntence"
    assert 'value="note" checked' in alice.get(f"/tickets/{number}").text
    assert box(bob, number) == ""
    assert console.ticket().version == before
    assert alice.act(number, "draft", kind="reply", text="Now a reply").status_code == 204
    assert box(alice, number) == "Now a reply"
    assert alice.act(number, "draft", kind="reply", text=" ").status_code == 204
    assert box(alice, number) == ""


@pytest.mark.parametrize("kind", ["note", "reply"])
def test_what_was_sent_is_no_draft(console: Console, alice: Browser, kind: str) -> None:
    number = console.things.ticket
    alice.act(number, "draft", kind=kind, text="All of it")
    assert alice.act(number, "reply", kind=kind, text="All of it").status_code == 303
    assert box(alice, number) == ""


def test_a_draft_needs_the_token_of_the_page(console: Console, alice: Browser) -> None:
    page = alice.page(console.things.ticket) | {"csrf": "wrong"}
    assert alice.act(console.things.ticket, "draft", page, text="x").status_code == 403


def test_a_reply_waits_and_is_then_said_once(console: Console, alice: Browser, context: Context) -> None:
    number, before = console.things.ticket, len(replies(console))
    sent = alice.act(number, "reply", kind="reply", text="It is fixed.", then="resolved")
    assert sent.headers["location"].endswith("?done=sending")
    page = alice.get(f"/tickets/{number}").text
    assert "Your reply (which resolves the ticket) is sent" in page and "Undo" in page
    console.later(seconds=9)
    assert sender.drain(context) == 0 and len(replies(console)) == before
    console.later(seconds=2)
    assert sender.drain(context) == 1
    assert sender.drain(context) == 0
    assert [one.text for one in replies(console)][before:] == ["It is fixed."]
    assert replies(console)[-1].author.name == "Alice"
    assert console.ticket().status is Status.RESOLVED
    assert "It is sent" not in alice.get(f"/tickets/{number}").text


@pytest.mark.parametrize("later", ["", "1h"])
def test_what_could_not_be_said_is_refused_before_it_is_accepted(console: Console, alice: Browser, later: str) -> None:
    number = console.things.ticket
    before = (console.ticket(), console.events(), replies(console))
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("asset", "Asset tag", required=True))
    refused = alice.act(number, "reply", kind="reply", text="It is fixed.", then="resolved", later=later)
    assert refused.status_code == 422 and "Asset tag" in refused.text
    assert "It is fixed." in refused.text, "the words are still in the box"
    assert waiting(console) == [] and (console.ticket(), console.events(), replies(console)) == before
    accepted = alice.act(number, "reply", kind="reply", text="It is fixed.", later=later)
    assert accepted.status_code == 303 and len(waiting(console)) == 1


def test_a_macro_that_does_not_fit_is_refused_before_it_is_accepted(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        number = macros.save(session, "Away", "Hello", [{"assign": "nobody of that name"}])
    refused = alice.act(console.things.ticket, "reply", kind="reply", text="Hello", macro=str(number))
    assert refused.status_code == 422 and "does not fit" in refused.text
    assert waiting(console) == []


def test_undo_puts_the_words_back_into_the_box(console: Console, alice: Browser, context: Context) -> None:
    number, before = console.things.ticket, len(replies(console))
    alice.act(number, "reply", kind="reply", text="To the wrong one")
    (one,) = waiting(console)
    undone = alice.act(number, "undo-send", waiting=str(one.id))
    assert undone.headers["location"] == f"/tickets/{number}?done=unsent#text"
    assert box(alice, number) == "To the wrong one"
    console.later(minutes=1)
    assert sender.drain(context) == 0 and len(replies(console)) == before
    assert alice.act(number, "undo-send", waiting=str(one.id)).status_code == 422
    assert [event.kind for event in console.events()][-2:] == ["reply_scheduled", "reply_undone"]


def test_only_the_author_or_a_lead_takes_a_reply_back(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    bob.act(number, "reply", kind="reply", text="By a lead")
    assert alice.act(number, "undo-send", waiting=str(waiting(console)[0].id)).status_code == 403
    assert len(waiting(console)) == 1


def test_two_who_answer_from_the_same_page_do_not_both_answer(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    pages = alice.page(number), bob.page(number)
    assert alice.act(number, "reply", pages[0], kind="reply", text="Mine").status_code == 303
    second = bob.act(number, "reply", pages[1], kind="reply", text="Mine too")
    assert second.status_code == 409
    assert "scheduled a reply" in second.text and "Mine too" in second.text
    assert len(waiting(console)) == 1


def test_a_double_click_waits_once(console: Console, alice: Browser) -> None:
    page = alice.page(console.things.ticket)
    answers = [alice.act(console.things.ticket, "reply", page, kind="reply", text="Twice") for _ in (1, 2)]
    assert [one.status_code for one in answers] == [303, 303]
    assert len(waiting(console)) == 1


def test_senders_at_once_say_it_once(console: Console, alice: Browser, context: Context) -> None:
    number, before = console.things.ticket, len(replies(console))
    alice.act(number, "reply", kind="reply", text="Once")
    console.later(minutes=1)
    threads = [threading.Thread(target=sender.drain, args=(context,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(replies(console)) == before + 1


def test_a_sender_that_dies_leaves_the_reply_to_the_next(
    console: Console, alice: Browser, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, before = console.things.ticket, len(replies(console))
    alice.act(number, "reply", kind="reply", text="Once")
    console.later(minutes=1)
    with monkeypatch.context() as broken:
        broken.setattr(tickets, "save", _dies)
        with pytest.raises(SystemExit, match="killed"):
            sender.drain(context)
    assert len(replies(console)) == before and len(waiting(console)) == 1
    assert sender.drain(context) == 1
    assert len(replies(console)) == before + 1


def _dies(*_: object, **__: object) -> None:
    """As a process that is ended: nothing after it runs, and nobody catches it."""
    raise SystemExit("killed")


def test_a_reply_for_later_is_held_back_when_the_conversation_went_on(
    console: Console, alice: Browser, context: Context
) -> None:
    number = console.things.ticket
    wished = alice.act(number, "reply", kind="reply", text="Any news?", later="tomorrow")
    assert wished.headers["location"].endswith("?done=later")
    with console.store.database.transaction() as session:
        held = tickets.get(session, number, lock=True)
        assert held is not None
        conversation.reply(
            session, held, Written(Actor(ActorKind.AGENT, console.things.bob, "Bob"), "Here", START, via="x")
        )
    console.later(days=2)
    before = len(replies(console))
    assert sender.drain(context) == 1
    assert len(replies(console)) == before
    assert box(alice, number) == "Any news?"
    assert console.events()[-1].kind == "reply_returned"
    assert "went on" in console.events()[-1].why


def test_a_merged_ticket_gets_the_text_as_a_draft(console: Console, alice: Browser, context: Context) -> None:
    number, other = console.things.ticket, console.things.other
    alice.act(number, "reply", kind="reply", text="Too late")
    assert alice.act(number, "merge", into=str(other)).status_code == 303
    console.later(minutes=1)
    sender.drain(context)
    assert box(alice, other) == "Too late"


def test_what_a_macro_does_waits_with_its_text(console: Console, alice: Browser, context: Context) -> None:
    number = console.things.ticket
    with console.store.database.transaction() as session:
        macro = macros.save(session, "Refund", "Hello", [{"tag": ["refund"]}])
    alice.act(number, "reply", kind="reply", text="Hello", macro=str(macro))
    assert "refund" not in console.ticket().tags
    console.later(minutes=1)
    sender.drain(context)
    assert "refund" in console.ticket().tags


def test_taken_back_words_do_not_overwrite_what_was_typed_meanwhile(console: Console, any_store: Store) -> None:
    with any_store.database.transaction() as session:
        draft = drafts.Draft(MessageKind.NOTE, "new words")
        drafts.save(session, console.things.ticket, console.things.alice, draft, START)
        drafts.add_returned(session, console.things.ticket, console.things.alice, "old words", START)
        found = drafts.get(session, console.things.ticket, console.things.alice)
    assert found == drafts.Draft(MessageKind.REPLY, "old words\n\nnew words")


@pytest.mark.parametrize(
    ("wish", "leaves"),
    [
        ("1h", "2026-10-23T22:30:00+00:00"),
        ("tomorrow", "2026-10-24T07:00:00+00:00"),
        ("monday", "2026-10-26T08:00:00+00:00"),
    ],
)
def test_nine_o_clock_is_nine_o_clock_on_the_wall(wish: str, leaves: str) -> None:
    friday_night = datetime(2026, 10, 23, 21, 30, tzinfo=UTC)
    assert scheduled_replies.moment(wish, friday_night, ZoneInfo("Europe/Berlin")).isoformat() == leaves
    with pytest.raises(NotAllowed):
        scheduled_replies.moment("never", friday_night, ZoneInfo("Europe/Berlin"))
