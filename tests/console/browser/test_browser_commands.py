"""The command bar (Ctrl+K) and the list of keys in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from storage.open_store import Store
from tests.console.chromium import chromium, opened, sign_in
from tests.console.conftest import START
from tests.console.fixtures_desk import furnish

pytestmark = pytest.mark.services
__all__ = ["chromium"]


def test_the_command_bar_goes_to_a_page_a_number_and_a_ticket_by_its_words(store: Store, chromium: Any) -> None:
    things = furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        for words, place in (
            ("incid", "**/incidents"),
            (f"#{things.other}", f"**/tickets/{things.other}"),
            ("invoice wrong", f"**/tickets/{things.ticket}"),
        ):
            page.keyboard.press("Control+k")
            page.get_by_role("combobox", name="Go to or do").fill(words)
            choice = page.get_by_role("dialog").get_by_role("option").first
            if words == "invoice wrong":
                choice = page.get_by_role("dialog").get_by_role("option", name="Invoice 7 is wrong").first
            expect(choice).to_be_visible()
            choice.click()
            page.wait_for_url(place)


def test_the_command_bar_sets_a_property_of_the_ticket(store: Store, chromium: Any) -> None:
    things = furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        page.goto(f"/tickets/{things.ticket}")
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Go to or do").fill("priority low")
        expect(page.get_by_role("dialog").get_by_role("option", name="Priority: low")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Priority", exact=True)).to_have_value("low")


def test_a_question_mark_lists_the_keys(store: Store, chromium: Any) -> None:
    furnish(store, START)
    with opened(chromium, store) as page:
        sign_in(page)
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        expect(keys).to_contain_text("New ticket")
        page.keyboard.press("Escape")
        expect(keys).to_have_count(0)
