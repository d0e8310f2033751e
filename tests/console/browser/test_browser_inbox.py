"""The inbox in a real browser: new tickets arrive while it is open, and wait while somebody reads."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from storage.open_store import Store
from tests.console.chromium import chromium, opened, sign_in
from tests.console.conftest import START
from tests.console.fixtures_desk import furnish, plain_ticket

pytestmark = pytest.mark.services
__all__ = ["chromium"]


def arrives(store: Store, subject: str) -> None:
    with store.database.transaction() as session:
        plain_ticket(session, "dora@customer.example.test", subject, "Please help.", START)


def test_a_new_ticket_is_a_row_of_every_open_list(any_store: Store, chromium: Any) -> None:
    furnish(any_store, START)
    with opened(chromium, any_store) as page:
        sign_in(page)
        rows = page.locator("table.tickets tbody tr")
        expect(rows).to_have_count(2)
        arrives(any_store, "The coffee machine leaks")
        expect(rows).to_have_count(3)
        expect(rows.first).to_contain_text("The coffee machine leaks")
        expect(page.locator('[data-count="open"]')).to_have_text("3")


def test_a_new_ticket_waits_while_somebody_points_at_the_list(store: Store, chromium: Any) -> None:
    furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        rows = page.locator("table.tickets tbody tr")
        rows.nth(1).hover()
        arrives(store, "The coffee machine leaks")
        note = page.get_by_role("button", name="1 new ticket")
        expect(note).to_be_visible()
        expect(rows).to_have_count(2)
        note.click()
        expect(rows).to_have_count(3)
        expect(note).to_be_hidden()


def test_the_list_is_worked_by_keyboard(store: Store, chromium: Any) -> None:
    furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        bulk = page.get_by_role("form", name="Bulk update of the selected tickets")
        expect(bulk).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(bulk).to_be_visible()
        expect(page.locator("[data-picked]")).to_have_text("1 selected")
        page.keyboard.press("Escape")
        expect(bulk).to_be_hidden()
        first = page.locator("table.tickets tbody tr").first.get_attribute("data-ticket")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/tickets/{first}")
