"""The rows of conditions in a real browser: added, grouped, sent by Enter, edited again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from storage.open_store import Store
from storage.routing import rules as routing_rules
from tests.console.browser.test_browser import address, page, things
from tests.console.chromium import chromium, sign_in
from tests.console.fixtures_desk import Furnished

pytestmark = pytest.mark.services
__all__ = ["address", "chromium", "page", "things"]


def test_a_rule_grows_row_by_row_and_enter_saves_it(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page, "bob")
    page.goto("/routing")
    page.get_by_label("Name").fill("Many")
    page.get_by_label("Tags").fill("many")
    page.get_by_label("Fact 1", exact=True).select_option("subject")
    page.get_by_label("Comparison 1", exact=True).select_option("contains")
    page.get_by_label("Value 1", exact=True).fill("refund")
    page.get_by_role("button", name="Add a condition", exact=True).click()
    page.get_by_label("Fact 4", exact=True).select_option("vip")
    page.get_by_label("Comparison 4", exact=True).select_option("set")
    page.get_by_role("button", name="Add a group").click()
    expect(page.get_by_role("group", name="Group 1")).to_be_visible()
    page.get_by_label("Fact 1.1").select_option("sender")
    page.get_by_label("Value 1.1").fill("a@x.test")
    page.get_by_label("Value 1.1").press("Enter")
    expect(page.get_by_role("heading", name="“Many” on the newest tickets")).to_be_visible()
    with store.database.reading() as session:
        kept = routing_rules.get_by_name(session, "Many")
    assert kept and kept.conditions == [
        {"field": "subject", "contains": "refund"},
        {"field": "vip", "set": True},
        {"any": [{"field": "sender", "is": "a@x.test"}]},
    ]
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Value 1.1")).to_have_value("a@x.test")
