"""The record in a real browser: tickets picked by keyboard and changed together, sleep, and undo from the history."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from storage.open_store import Store
from storage.tickets import tickets
from tests.console.browser.test_browser import address, page, things
from tests.console.chromium import chromium, sign_in
from tests.console.fixtures_desk import Furnished

pytestmark = pytest.mark.services
__all__ = ["address", "chromium", "page", "things"]


def test_tickets_are_picked_by_keyboard_and_changed_together(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-picked]")).to_have_text("2 selected")
    page.get_by_label("Add tags").fill("spring")
    page.get_by_role("button", name="Preview changes").click()
    expect(page.locator("main [role=status]")).to_contain_text("2 would change")
    page.get_by_role("button", name="Change 2 tickets").click()
    expect(page.locator("main [role=status]")).to_contain_text("2 changed")
    with store.database.reading() as session:
        found = tickets.get_many(session, [things.ticket, things.other])
    assert all("spring" in ticket.tags for ticket in found.values())


def test_a_ticket_is_put_aside_and_brought_back_by_undo(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.locator("summary", has_text="Snooze").click()
    page.get_by_role("button", name="In 3 hours").click()
    expect(page.get_by_role("button", name="End snooze")).to_be_visible()
    page.locator("details.history summary").click()
    page.get_by_role("listitem").filter(has_text="snoozed it until").get_by_role("button", name="Undo").click()
    expect(page.locator(".banner.good")).to_have_text("Undone.")
    with store.database.reading() as session:
        ticket = tickets.get(session, things.ticket)
    assert ticket is not None and ticket.snoozed_until is None
