"""Agents at one ticket see each other, keep what they typed, and take back what they sent; also in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from console.routes import create_app
from console.web.server import WebServer
from storage.open_store import Store
from storage.tickets import presence
from tests.console.chromium import chromium, sign_in
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import Furnished, furnish
from usecases.agents import scheduled_replies
from usecases.tickets import watchers

services = pytest.mark.services
__all__ = ["chromium"]


def test_who_writes_and_who_looks_is_told_to_the_others(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    assert bob.act(number, "presence", doing="writing").json()["others"] == []
    told = alice.act(number, "presence", doing="viewing").json()
    assert told["others"] == [{"name": "Bob", "doing": "writing"}]
    assert told["version"] == console.ticket().version
    assert "Bob is writing" in alice.get(f"/tickets/{number}").text
    assert alice.act(console.things.other, "presence", doing="viewing").json()["others"] == []


def test_a_sign_of_life_lasts_half_a_minute(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    bob.act(number, "presence", doing="viewing")
    console.later(seconds=29)
    assert alice.act(number, "presence", doing="viewing").json()["others"] != []
    console.later(seconds=2)
    assert alice.act(number, "presence", doing="viewing").json()["others"] == []


def test_who_closes_the_page_is_gone(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    bob.act(number, "presence", doing="viewing")
    bob.act(number, "presence", doing="gone")
    assert alice.act(number, "presence", doing="viewing").json()["others"] == []


def test_nobody_is_told_of_a_ticket_that_is_not_there(alice: Browser, console: Console) -> None:
    assert alice.act(99, "presence", alice.page(console.things.ticket), doing="viewing").status_code == 404


def test_presence_on_both_databases(any_store: Store) -> None:
    things = furnish(any_store, START)
    with any_store.database.transaction() as session:
        for doing in (presence.VIEWING, presence.WRITING):
            presence.record(session, things.ticket, things.alice, doing, START)
        presence.record(session, things.ticket, things.bob, presence.VIEWING, START)
        found = presence.list_present(session, [things.ticket], START + timedelta(seconds=5), but=0)
        assert [(one.name, one.doing) for one in found[things.ticket]] == [("Alice", "writing"), ("Bob", "viewing")]


@pytest.fixture
def things(store: Store) -> Furnished:
    return furnish(store, datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, store: Store, things: Furnished) -> Iterator[Page]:
    settings = replace(store.settings, undo_send_seconds=60)
    pages = WebServer(create_app(store, settings), "127.0.0.1", 0)
    with pages.beside():
        context = chromium.new_context(base_url=f"http://{pages.address}")
        made = context.new_page()
        made.set_default_timeout(15_000)
        yield made
        context.close()


@services
def test_a_draft_and_a_reply_taken_back_are_in_the_box_again(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    with page.expect_response("**/draft"):
        page.get_by_label("Text").fill("Half a sentence")
    page.evaluate("sessionStorage.clear()")
    page.goto(f"/tickets/{things.ticket}")
    expect(page.get_by_label("Text")).to_have_value("Half a sentence")
    page.get_by_role("button", name="Send reply").click()
    banner = page.locator("form.waiting")
    expect(banner).to_contain_text("Your reply is sent in")
    expect(page.get_by_label("Text")).to_have_value("")
    _shot(page, "waiting")
    banner.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Not sent: the text is in the box again.")).to_be_visible()
    expect(page.get_by_label("Text")).to_have_value("Half a sentence")
    with store.database.reading() as session:
        assert scheduled_replies.scheduled_of_ticket(session, things.ticket) == []


@services
def test_the_other_is_seen_without_a_reload_and_so_is_a_change(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    page.clock.install()
    # The next beat is counted from the answer to the first one.
    with page.expect_response("**/presence"):
        page.goto(f"/tickets/{things.ticket}")
    with store.database.transaction() as session:
        presence.record(session, things.ticket, things.bob, presence.WRITING, datetime.now(UTC))
    page.clock.fast_forward(11_000)
    # Where the beat was not yet set when the clock was put forward, it comes by itself ten seconds later.
    expect(page.get_by_text("Bob is writing.")).to_be_visible(timeout=25_000)
    _shot(page, "others")


@services
def test_an_agent_is_called_by_the_keyboard_alone(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.keyboard.press("n")
    page.keyboard.type("Hello @b")
    expect(page.locator("#mentions li")).to_have_text("Bob")
    _shot(page, "mention")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Text")).to_have_value("Hello @Bob ")
    page.keyboard.type("please look")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Note added.")).to_be_visible()
    with store.database.reading() as session:
        assert [one.id for one in watchers.list_watchers(session, [things.ticket])[things.ticket]] == [things.bob]


def test_a_ticket_is_watched_and_not_watched_any_more(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert alice.act(number, "watch").status_code == 303
    assert "Stop watching" in alice.get(f"/tickets/{number}").text
    assert alice.act(number, "watch", end="1").status_code == 303
    assert "Nobody besides the owner." in alice.get(f"/tickets/{number}").text


def _shot(page: Page, name: str) -> None:
    """A picture to look at, for whoever asks for one."""
    if folder := os.environ.get("FRONTDESK_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")
