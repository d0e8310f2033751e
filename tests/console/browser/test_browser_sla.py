"""Due times in a real browser: a lead tries a policy, saves it, and a ticket tells why it is due when it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from storage.open_store import Store
from tests.console.chromium import chromium, opened, sign_in
from tests.console.fixtures_desk import Furnished, furnish, promote
from tests.small_desk import categoriser
from workers.runtime.context import Context
from workers.timers import sla as sla_timers

pytestmark = pytest.mark.services
__all__ = ["chromium"]


@pytest.fixture
def things(store: Store) -> Furnished:
    made = furnish(store, datetime.now(UTC))
    with store.database.transaction() as session:
        promote(session, made.alice, "lead")
    return made


@pytest.fixture
def page(chromium: Any, store: Store, things: Furnished) -> Iterator[Page]:
    with opened(chromium, store, timezone_id="America/New_York") as made:
        yield made


def test_a_lead_tries_a_policy_saves_it_and_reads_why_a_ticket_is_due(
    page: Page, store: Store, things: Furnished
) -> None:
    sign_in(page)
    page.goto("/sla/policies/new")
    page.get_by_label("Name").fill("Standard")
    for priority in ("urgent", "high", "medium", "low"):
        page.get_by_label(f"resolution, {priority}").fill("48h")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    expect(page.get_by_role("link", name=f"#{things.ticket}")).to_be_visible()
    expect(page.get_by_label("resolution, high")).to_have_value("48h")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("recalculated in the background").first).to_be_visible()
    sla_timers.drain(Context(store, categoriser()))
    page.goto("/tickets?status=all&due=first")
    row = page.get_by_role("row", name=f"#{things.ticket}")
    expect(row.locator(".due")).to_contain_text("in ")
    page.goto(f"/tickets/{things.ticket}")
    due = page.get_by_role("region", name="Due")
    expect(due.get_by_text('by policy "Standard"')).to_be_hidden()
    due.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(due.get_by_text('by policy "Standard"')).to_be_visible()
