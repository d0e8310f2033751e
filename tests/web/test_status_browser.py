"""The requesters' pages in a real browser without scripts: by the link of a mail, by keyboard, on a small screen."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from console.routes import create_app
from console.web.server import WebServer
from desk.knowledge.csat import CsatSettings
from desk.tickets.ticket import Status
from gateway.web.app import routes
from storage.knowledge import csat, csat_settings
from storage.open_store import Store
from tests.console.chromium import chromium
from tests.small_desk import BOB, SmallDesk
from tests.web.requesters import RequesterDesk

pytestmark = pytest.mark.services
__all__ = ["chromium"]
NARROW: Any = {"width": 360, "height": 740}


class Listening(RequesterDesk):
    """The same desk behind a real address; whatever comes in is worked on at once."""

    def __init__(self, store: Store, place: str) -> None:
        settings = replace(store.settings, public_url=place)
        SmallDesk.__init__(self, replace(store, settings=settings))
        self.now = datetime.now(UTC)


@pytest.fixture
def desk(store: Store) -> Iterator[Listening]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await real(scope, receive, send)

    # The pages have to know their own address before they are made.
    pages = WebServer(app, "127.0.0.1", 0)
    made = Listening(store, f"http://{pages.address}")
    real = create_app(made.store, made.store.settings, routes(made.store, made.store.settings))
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            made.work()

    with store.database.transaction() as session:
        csat_settings.set_rules(session, CsatSettings(ask_rating=True))
    made.receive(made.mail(f"Bob <{BOB}>", "Printer", "The printer smokes."))
    worker = threading.Thread(target=work, daemon=True)
    with pages.beside():
        worker.start()
        try:
            yield made
        finally:
            stop.set()
            worker.join(20)


@pytest.fixture
def page(chromium: Any, desk: Listening) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=desk.store.settings.public_url, viewport=NARROW, java_script_enabled=False, locale="en-GB"
    )
    made = context.new_page()
    made.set_default_timeout(15_000)
    yield made
    context.close()


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways; asked of the page's own box, since scripts are off."""
    box = page.locator("main").bounding_box()
    return box is not None and box["x"] >= 0 and box["width"] <= NARROW["width"]


def test_a_requester_answers_with_a_file_solves_and_rates_without_scripts(
    page: Page, desk: Listening, tmp_path: Path
) -> None:
    link = desk.link(1)
    page.goto(link)
    expect(page.get_by_role("heading", name="Printer")).to_be_visible()
    assert fits(page)
    (tmp_path / "smoke.txt").write_text("grey")
    page.get_by_label("Your answer").fill("It burns " + "v" * 90)
    page.get_by_label("Add files").set_input_files(tmp_path / "smoke.txt")
    page.get_by_role("button", name="Send answer").press("Enter")
    page.wait_for_url(re.compile(r"\?sent=\d+"))

    def arrived() -> bool:
        page.goto(link)
        return page.get_by_text("It burns v").count() == 1

    assert any(arrived() or page.wait_for_timeout(200) for _ in range(100)), "the answer never came"
    assert fits(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="smoke.txt").click()
    assert waiting.value.suggested_filename == "smoke.txt" and waiting.value.path().read_text() == "grey"
    page.get_by_role("button", name="It is solved").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("it is solved")
    assert desk.ticket(1).status is Status.RESOLVED

    def asked() -> bool:
        page.goto(link)
        return page.get_by_label("Very good").count() == 1

    assert any(asked() or page.wait_for_timeout(200) for _ in range(100)), "nobody asked how it went"
    page.get_by_label("Very good").check()
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    with desk.store.database.reading() as session:
        rating = csat.of_ticket(session, 1)
    assert rating and rating.score == 5


def test_a_requester_gets_to_all_requests_by_a_mail_and_logs_out(page: Page, desk: Listening) -> None:
    page.goto("/my")
    page.get_by_label("Your mail address").fill(BOB)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    page.goto(desk.awaited(BOB))
    page.get_by_role("button", name="Show my requests").click()
    page.get_by_role("link", name="Printer").click()
    expect(page.get_by_text("The printer smokes.")).to_be_visible()
    assert page.url.endswith("/my/tickets/1") and fits(page)
    page.goto("/my")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")
    page.goto("/my/tickets/1")
    expect(page.get_by_role("alert")).to_contain_text("not logged in")


def test_the_page_can_be_read_by_its_names(page: Page, desk: Listening) -> None:
    """What a screen reader is told: one main part, headings in order, every field with its name."""
    page.goto(desk.link(1))
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("region", name="Status")).to_contain_text("We have your request.")
    expect(page.get_by_role("textbox", name="Your answer")).to_have_accessible_description(
        "It reaches us like an answer by mail."
    )
    assert page.locator("html").get_attribute("lang") == "en"
