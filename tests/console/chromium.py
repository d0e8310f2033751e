"""A real browser, and how one signs in with it. Hosts below `elsewhere.test` are this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from console.routes import create_app
from console.web.server import WebServer
from storage.open_store import Store
from tests.components import need
from tests.console.conftest import csrf
from tests.console.fixtures_desk import PASSWORD

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.elsewhere.test 127.0.0.1",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # A loaded machine needs longer than the five seconds that a page has otherwise; one that is idle waits for nothing.
    expect.set_options(timeout=20_000)
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, store: Store, **context: str) -> Iterator[Page]:
    """A page of the console over this record; `context` is what the browser says of its user."""
    pages = WebServer(create_app(store, store.settings), "127.0.0.1", 0)
    with pages.beside():
        around = chromium.new_context(base_url=f"http://{pages.address}", **context)
        page = around.new_page()
        page.set_default_timeout(20_000)
        yield page
        around.close()


def sign_in_by_form(page: Page, name: str = "alice") -> None:
    page.goto("/login")
    page.get_by_label("Mail address").fill(f"{name}@corp.example.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tickets")


def sign_in(page: Page, name: str = "alice") -> None:
    """The same without waiting for the form to be drawn and filled in."""
    form = page.request.get("/login").text()
    fields = {"csrf": csrf(form), "address": f"{name}@corp.example.test", "password": PASSWORD, "next": ""}
    assert page.request.post("/login", form=fields, max_redirects=0).status == 303
    page.goto("/tickets")
