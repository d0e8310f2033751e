"""Asking a third party aside in a real browser, by the keyboard alone, as a screen reader names it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from storage.open_store import Store
from tests.console.chromium import chromium, opened, sign_in
from tests.console.fixtures_desk import Furnished, furnish
from usecases.tickets import side_conversations

pytestmark = pytest.mark.services
__all__ = ["chromium"]
SUE = "sue@supplier.example.test"


@pytest.fixture
def things(store: Store) -> Furnished:
    return furnish(store, datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, store: Store, things: Furnished) -> Iterator[Page]:
    with opened(chromium, store, color_scheme="dark") as made:
        yield made


def test_a_third_party_is_asked_by_the_keyboard_and_the_requesters_box_stays_empty(
    page: Page, store: Store, things: Furnished
) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.get_by_text("New side conversation").focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("form", name="New side conversation")
    form.get_by_label("To", exact=True).fill(SUE)
    page.keyboard.press("Tab")
    page.keyboard.type("Part 7")
    page.keyboard.press("Tab")
    page.keyboard.type("Is it in stock?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Message sent in the side conversation")
    talk = page.get_by_role("region", name="Side conversations")
    expect(talk.get_by_text("Is it in stock?")).to_be_visible()
    expect(talk.get_by_role("form", name=f"Reply in the side conversation with {SUE}")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("")
    with store.database.reading() as session:
        assert len(side_conversations.of_ticket(session, things.ticket)) == 1


def test_a_wrong_address_keeps_the_words_where_they_were_typed(page: Page, things: Furnished) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.get_by_text("New side conversation").click()
    form = page.get_by_role("form", name="New side conversation")
    form.get_by_label("To", exact=True).fill("sue at supplier")
    form.get_by_label("Subject").fill("Part 7")
    form.get_by_label("Message to them").fill("Only for Sue.")
    form.get_by_role("button", name="Send to third party").click()
    expect(page.get_by_role("alert")).to_contain_text("is no address")
    expect(form.get_by_label("Message to them")).to_have_value("Only for Sue.")
    expect(page.get_by_label("Text", exact=True)).to_have_value("")
