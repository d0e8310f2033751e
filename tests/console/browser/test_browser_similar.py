"""A suggested answer in a real browser: one click puts it where the cursor is, and what was typed stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from desk.knowledge.articles import Audience, State
from storage.knowledge import articles
from storage.knowledge.articles import Article
from storage.open_store import Store
from tests.console.chromium import chromium, opened, sign_in
from tests.console.fixtures_desk import Furnished, furnish
from tests.storage.rows import suggestion_outcomes

pytestmark = pytest.mark.services
__all__ = ["chromium"]


@pytest.fixture
def things(store: Store) -> Furnished:
    return furnish(store, datetime.now(UTC))


@pytest.fixture
def page(chromium: Any, store: Store, things: Furnished) -> Iterator[Page]:
    with opened(chromium, store) as made:
        yield made


def test_a_click_puts_the_article_behind_what_was_typed_and_sending_counts_it(
    page: Page, store: Store, things: Furnished
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    answer = "An invoice that was charged twice is corrected by the bank."
    with store.database.transaction() as session:
        made = Article(0, "Charged twice", answer, now, now, "", "en", State.PUBLISHED, Audience.INTERNAL)
        number = articles.add(session, made).id
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.get_by_label("Text", exact=True).fill("Dear Carol,\n")
    page.get_by_role("link", name="Insert this answer").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(f"Dear Carol,\n{answer}")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_role("status")).to_contain_text("Reply")
    with store.database.reading() as session:
        assert articles.count_uses(session, [number])[number] == {"suggested": 1, "used": 1}
        assert suggestion_outcomes(session, "article") == {"edited": 1}
