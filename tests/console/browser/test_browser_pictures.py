"""Pictures from elsewhere in a real browser: nothing is asked before the click, and then nothing but the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from console.access import passwords
from console.routes import create_app
from console.web.server import WebServer
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from tests.console.chromium import chromium, sign_in
from tests.console.fixtures_desk import PASSWORD, PIXEL
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk

pytestmark = pytest.mark.services
__all__ = ["chromium"]


@dataclass
class Elsewhere:
    """A server that is not ours: it gives a picture for every path, and a cookie that it would like to have back."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0

    def handler(self) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Cookie", ""), self.headers.get("Referer", "")))
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Set-Cookie", "watch=4711; Path=/")
                self.end_headers()
                self.wfile.write(PIXEL)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def outside() -> Iterator[Elsewhere]:
    made = Elsewhere()
    server = ThreadingHTTPServer(("127.0.0.1", 0), made.handler())
    made.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["with scripts", "without scripts"])
def page(request: pytest.FixtureRequest, chromium: Any, store: Store, outside: Elsewhere) -> Iterator[Page]:
    """The ticket that a mail with many pictures made, with its HTML opened."""
    desk = SmallDesk(store)
    with store.database.transaction() as session:
        people.add_agent(session, NewAgent(ALICE, "Alice", "agent", passwords.hash_password(PASSWORD)), desk.now)
    place = f"elsewhere.test:{outside.port}"
    html = (
        f'<p style="background:url(http://a.{place}/style.png)">Hello,</p><img src="http://a.{place}/1.png?x=1&amp;y=2">'
        f'<img src="http://a.{place}/2.png" alt="two"><img src="http://b.{place}/3.png">'
        f'<img src="http://a.{place}/dot.gif" width="1" height="1"><img src="http://127.0.0.1:{outside.port}/inner">'
        f'<link rel="stylesheet" href="http://a.{place}/style.css"><video poster="http://a.{place}/film.png"></video>'
        f'<table background="http://a.{place}/table.png"><tr><td>words</td></tr></table>'
    )
    raw = f"From: {BOB}\r\nTo: {SUPPORT}\r\nSubject: Pictures\r\nContent-Type: text/html\r\n\r\n{html}"
    desk.receive(desk.raw_mail(raw.encode(), BOB, [SUPPORT]))
    pages = WebServer(create_app(store, store.settings), "127.0.0.1", 0)
    with pages.beside():
        context = chromium.new_context(
            base_url=f"http://{pages.address}", java_script_enabled=request.param == "with scripts"
        )
        made = context.new_page()
        made.set_default_timeout(15_000)
        sign_in(made)
        made.goto("/tickets/1")
        yield made
        context.close()


def test_pictures_from_elsewhere_are_asked_for_only_after_the_click(page: Page, outside: Elsewhere) -> None:
    page.get_by_text("HTML version").click()
    frame = page.frame_locator("iframe")
    notice = frame.get_by_role("region", name="Remote pictures")
    expect(notice).to_contain_text("3 remote pictures were not loaded: a.elsewhere.test, b.elsewhere.test")
    expect(notice).to_contain_text("1 tracking picture of one pixel is left out.")
    expect(frame.get_by_text("words")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert outside.asked == []
    frame.get_by_role("link", name="Show them").press("Enter")
    expect(notice).to_contain_text("3 remote pictures from a.elsewhere.test, b.elsewhere.test are shown")
    expect(frame.get_by_alt_text("two")).to_have_js_property("naturalWidth", 1)
    page.wait_for_load_state("networkidle")
    assert sorted(path for path, _, _ in outside.asked) == ["/1.png?x=1&y=2", "/2.png", "/3.png"]
    frame.get_by_role("link", name="Hide them").click()
    expect(notice).to_contain_text("were not loaded")


def test_whoever_has_the_pictures_learns_neither_the_ticket_nor_who_asks(page: Page, outside: Elsewhere) -> None:
    page.context.add_cookies(
        [{"name": "watch", "value": "4711", "domain": "a.elsewhere.test", "path": "/", "sameSite": "Lax"}]
    )
    page.get_by_text("HTML version").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Show them").click()
    expect(frame.get_by_alt_text("two")).to_have_js_property("naturalWidth", 1)
    page.wait_for_load_state("networkidle")
    assert len(outside.asked) == 3 and {(cookie, referrer) for _, cookie, referrer in outside.asked} == {("", "")}
