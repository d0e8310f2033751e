"""A signature in a real browser: written on the account's page, seen in the composer, left out of one reply."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from storage.open_store import Store
from storage.tickets import signatures, tickets
from tests.console.browser.test_browser import address, page, things
from tests.console.chromium import chromium, sign_in
from tests.console.fixtures_desk import Furnished

pytestmark = pytest.mark.services
__all__ = ["address", "chromium", "page", "things"]


def test_a_signature_is_written_seen_and_left_out_of_one_reply(page: Page, store: Store, things: Furnished) -> None:
    sign_in(page)
    page.goto("/account")
    page.get_by_label("Below the replies that you write here").fill("Yours,\n{agent.name}")
    page.get_by_role("button", name="Save signature").click()
    expect(page.get_by_role("status")).to_have_text("Your signature is saved.")
    for text, without in (("With it.", False), ("Without it.", True)):
        page.goto(f"/tickets/{things.ticket}")
        shown = page.get_by_role("group", name="Signature")
        expect(shown).to_contain_text("Yours,")
        page.get_by_label("Internal note").check()
        expect(shown).to_be_hidden()
        page.get_by_label("Reply to").check()
        page.get_by_label("Text", exact=True).fill(text)
        page.get_by_label("Send without the signature").set_checked(without)
        page.get_by_role("button", name="Send reply").click()
        expect(page.get_by_role("status").filter(has_text="Reply sent.")).to_be_visible()
    with store.database.reading() as session:
        said = [one for one in tickets.messages_of(session, things.ticket) if one.text in ("With it.", "Without it.")]
    assert [bool(signatures.for_message(one)) for one in said] == [True, False]
