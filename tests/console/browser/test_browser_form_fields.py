"""The fields of the form in a real browser: shown by topic without scripts, kept after a mistake, sent along."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from desk.mail.inbound_request import from_json
from desk.tickets.fields import Field, Kind
from desk.tickets.form_fields import unpacked
from storage.open_store import Store
from storage.tables.tickets import inbound
from tests.console.browser.test_browser import address, page, things
from tests.console.chromium import chromium
from usecases.tickets import custom_fields

pytestmark = pytest.mark.services
__all__ = ["address", "chromium", "page", "things"]


def test_a_topic_shows_its_fields_and_a_mistake_loses_nothing(page: Page, store: Store) -> None:
    with store.database.transaction() as session:
        for one in (
            Field("seats", "How many seats?", Kind.NUMBER, required=True, public=True),
            Field("invoice", "Invoice number", categories=("Billing",), required=True, public=True, position=1),
            Field("room", "Which room?", Kind.CHOICE, ("North", "South"), ("Facilities",), public=True, position=2),
            Field("still", "It stands still", Kind.CHECKBOX, public=True, position=3),
        ):
            custom_fields.save(session, one)
    page.goto("/request")
    expect(page.get_by_label("Invoice number")).to_be_hidden()
    page.get_by_label("What is it about?").select_option("Facilities")
    expect(page.get_by_label("Which room?")).to_be_visible()
    page.get_by_label("What is it about?").select_option("Billing")
    expect(page.get_by_label("Which room?")).to_be_hidden()
    page.get_by_label("Your mail address").fill("carol@customer.example.test")
    page.get_by_label("Subject").fill("Invoice")
    page.get_by_label("What can we do for you?").fill("It is wrong.")
    page.get_by_label("How many seats?").fill("many")
    page.get_by_label("Invoice number").fill("R-7")
    page.get_by_label("It stands still").check()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("alert")).to_contain_text("How many seats?: This must be a number.")
    expect(page.get_by_label("Invoice number")).to_have_value("R-7")
    expect(page.get_by_label("It stands still")).to_be_checked()
    page.get_by_label("How many seats?").fill("3")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    with store.database.reading() as session:
        texts = session.execute(
            inbound.select().where(inbound.c.channel == "web").order_by(inbound.c.id.desc())
        ).first()
    assert texts is not None
    assert unpacked(from_json(texts.request).fields) == ("Billing", {"seats": "3", "invoice": "R-7", "still": "yes"})
