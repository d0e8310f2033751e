"""The console in a real browser: what a person sees and presses, with the policy that the browser enforces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from console.routes import create_app
from console.web.server import WebServer
from desk.tickets.ticket import MessageKind, Status
from gateway.web.app import routes
from storage.open_store import Store
from storage.tickets import tickets
from tests.console.chromium import chromium, sign_in, sign_in_by_form
from tests.console.fixtures_desk import PASSWORD, Furnished, furnish

pytestmark = pytest.mark.services
__all__ = ["chromium"]


@pytest.fixture
def things(store: Store) -> Furnished:
    return furnish(store, datetime.now(UTC))


@pytest.fixture
def address(store: Store, things: Furnished) -> Iterator[str]:
    """The console and the web doors, listening as they do in production."""
    pages = WebServer(create_app(store, store.settings, routes(store, store.settings)), "127.0.0.1", 0)
    with pages.beside():
        yield f"http://{pages.address}"


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=address)
    made = context.new_page()
    made.set_default_timeout(15_000)
    yield made
    context.close()


def test_an_agent_signs_in_opens_a_ticket_replies_and_leaves_a_note(
    page: Page, store: Store, things: Furnished
) -> None:
    sign_in_by_form(page)
    page.get_by_role("link", name="Invoice 7 is wrong").click()
    page.get_by_label("Text").fill("It is corrected.")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_role("status")).to_have_text("Reply sent.")
    page.get_by_label("Internal note").check()
    expect(page.get_by_text("Internal: only agents see it.")).to_be_visible()
    page.get_by_label("Text").fill("Our fault.")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_role("status")).to_have_text("Note added.")
    with store.database.reading() as session:
        ticket, messages = tickets.get(session, things.ticket), tickets.messages_of(session, things.ticket)
    assert ticket is not None
    assert ticket.status is Status.PENDING
    assert [(one.kind, one.text) for one in messages[-2:]] == [
        (MessageKind.REPLY, "It is corrected."),
        (MessageKind.NOTE, "Our fault."),
    ]


def test_html_mail_runs_no_script_and_loads_nothing_from_elsewhere(page: Page, things: Furnished, address: str) -> None:
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.get_by_text("HTML version").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("the invoice is wrong.")).to_be_visible()
    expect(frame.get_by_alt_text("logo")).to_have_js_property("naturalWidth", 1)
    link = frame.get_by_role("link", name="a link")
    link.hover()
    assert link.evaluate("link => getComputedStyle(link, '::after').content") == '"https://example.org/"'
    assert link.evaluate("link => [link.target, link.rel].join(' ')") == "_blank noopener noreferrer nofollow"
    assert frame.locator("body").evaluate("body => { try { return parent.document.title } catch { return '' } }") == ""
    assert page.title().startswith("#")
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def test_a_text_that_was_not_sent_outlives_what_else_is_done(page: Page, things: Furnished) -> None:
    sign_in(page)
    page.goto(f"/tickets/{things.ticket}")
    page.get_by_label("Text").fill("Half a sen")
    page.get_by_label("Priority", exact=True).select_option("low")
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_label("Text")).to_have_value("Half a sen")
    page.reload()
    expect(page.get_by_label("Priority", exact=True)).to_have_value("low")
    expect(page.get_by_label("Text")).to_have_value("Half a sen")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_role("status").filter(has_text="Reply sent.")).to_be_visible()
    expect(page.get_by_label("Text")).to_have_value("")


def test_everything_can_be_done_with_the_keyboard(page: Page, things: Furnished) -> None:
    page.goto("/login")
    page.keyboard.type("alice@corp.example.test")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets")
    page.keyboard.press("/")
    page.keyboard.type("invoice")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=invoice*")
    page.get_by_role("link", name="Invoice 7 is wrong").press("Enter")
    page.wait_for_url(f"**/tickets/{things.ticket}")
    page.keyboard.press("n")
    page.keyboard.type("By hand.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_have_text("Note added.")


def test_a_visitor_sends_the_form_without_scripts(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/request")
    page.get_by_label("Your mail address").fill("visitor@customer.example.test")
    page.get_by_label("Subject").fill("Toner")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("alert")).to_contain_text("Please fill this in")
    page.get_by_label("What can we do for you?").fill("It is empty.")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading")).to_have_text("Thank you")
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_no_page_is_wider_than_the_window(page: Page, things: Furnished, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page)
    for path in (
        "/tickets?status=all",
        f"/tickets/{things.ticket}",
        f"/tickets/{things.other}",
        "/quarantine",
        "/request",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_no_page_breaks_its_own_policy(page: Page, things: Furnished) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    sign_in(page)
    for path in ("/tickets", f"/tickets/{things.other}", "/ledger", "/quarantine", "/caught", "/mailboxes", "/account"):
        page.goto(path)
    assert said == []
