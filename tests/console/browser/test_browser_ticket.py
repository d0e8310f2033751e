"""A ticket's page in a real browser: properties save at once, others' messages arrive, keys walk through the view."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from desk.tickets.ticket import Actor, ActorKind
from storage.open_store import Store
from storage.tickets import tickets
from tests.console.chromium import chromium, opened, sign_in
from tests.console.conftest import START
from tests.console.fixtures_desk import furnish
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

pytestmark = pytest.mark.services
__all__ = ["chromium"]


def test_a_property_is_saved_when_it_is_chosen_and_undone_from_the_toast(any_store: Store, chromium: Any) -> None:
    things = furnish(any_store, START)
    with opened(chromium, any_store) as page:
        sign_in(page)
        page.goto(f"/tickets/{things.ticket}")
        page.get_by_label("Text", exact=True).fill("Half a sentence")
        priority = page.get_by_label("Priority", exact=True)
        priority.select_option("low")
        page.get_by_role("button", name="Undo").last.click()
        expect(page.get_by_text("Undone.")).to_be_visible()
        expect(priority).to_have_value("high")
        expect(page.get_by_label("Text", exact=True)).to_have_value("Half a sentence")


def test_a_colleagues_note_arrives_while_one_writes(store: Store, chromium: Any) -> None:
    things = furnish(store, START)
    bob = Actor(ActorKind.AGENT, things.bob, "Bob")
    with opened(chromium, store) as page:
        sign_in(page)
        page.goto(f"/tickets/{things.ticket}")
        page.get_by_label("Text", exact=True).fill("My answer")
        with store.database.transaction() as session:
            ticket = tickets.get(session, things.ticket, lock=True)
            assert ticket
            conversation.note(session, ticket, Written(bob, "I called her already.", START, via="console"))
        expect(page.get_by_text("I called her already.")).to_be_visible()
        expect(page.get_by_label("Text", exact=True)).to_have_value("My answer")
        page.get_by_role("button", name="Send reply").click()
        expect(page.get_by_role("status").filter(has_text="Reply sent.")).to_be_visible()


def test_keys_go_to_the_next_ticket_of_the_view_and_back_to_the_list(store: Store, chromium: Any) -> None:
    furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        page.goto("/tickets?view=open")
        first, second = (
            page.locator("table.tickets tbody tr").nth(place).get_attribute("data-ticket") for place in (0, 1)
        )
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/tickets/{first}")
        expect(page.get_by_text("1 of 2")).to_be_visible()
        page.keyboard.press("j")
        page.wait_for_url(f"**/tickets/{second}")
        page.keyboard.press("Escape")
        page.wait_for_url(re.compile(r"/tickets\?view=open$"))


def test_a_ticket_is_taken_and_resolved_by_one_key_each(store: Store, chromium: Any) -> None:
    things = furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        page.goto(f"/tickets/{things.other}")
        page.keyboard.press("m")
        expect(page.get_by_text("Assigned to you.")).to_be_visible()
        page.keyboard.press("e")
        expect(page.get_by_label("Status", exact=True)).to_have_value("resolved")
        page.keyboard.press("u")
        expect(page.get_by_text("Undone.")).to_be_visible()
        expect(page.get_by_label("Status", exact=True)).not_to_have_value("resolved")
