"""Ten pictures of the ticket page, to be looked at: `python -m tests.console.gallery DIR [--dark]`.

Each shows a ticket that real mails made: they are read, settled and answered by the product itself. It needs Chromium,
and fonts for what it shows (Debian: fonts-noto-core, fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from console.access import passwords
from console.routes import create_app
from console.web.server import WebServer
from desk.config.settings import Settings
from storage.open_store import Store, open_store
from storage.people import people
from storage.people.people import NewAgent
from tests.components import find
from tests.console.fixtures_desk import PASSWORD
from tests.console.fixtures_gallery_mails import SCENES
from tests.small_desk import ALICE, SmallDesk

Scheme = Literal["light", "dark"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
OPENED = {"06-inline-image", "09-newsletter"}
"""Where the HTML is opened too."""
UNFOLDED = {"01-gmail-outlook-apple", "04-arabic"}
"""Where the first part that was set aside is opened."""


def paint(folder: Path, schemes: Sequence[Scheme] = ("light",)) -> list[Path]:
    """Write the pictures, in each of the colour schemes; returns their paths."""
    program = find("chromium")
    if program is None:
        raise SystemExit("the gallery needs Chromium")
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        store = open_store(Settings(data_dir=data), migrate=True)
        places = _furnish(store)
        pages = WebServer(create_app(store, store.settings), "127.0.0.1", 0)
        with pages.beside():
            for scheme in schemes:
                made += _shoot(browser, f"http://{pages.address}", places, folder, scheme)
        browser.close()
    return made


def _furnish(store: Store) -> dict[str, int]:
    """The number of each scene's ticket."""
    desk = SmallDesk(store)
    with store.database.transaction() as session:
        people.add_agent(session, NewAgent(ALICE, "Alice Agent", "agent", passwords.hash_password(PASSWORD)), desk.now)
    places = {}
    for name, scene in SCENES.items():
        desk.later(hours=1)
        before = len(desk.tickets())
        scene(desk)
        places[name] = desk.tickets()[before].id
    return places


def _shoot(browser: Browser, address: str, places: dict[str, int], folder: Path, scheme: Scheme) -> list[Path]:
    size: ViewportSize = {"width": 1280, "height": 900}
    context = browser.new_context(base_url=address, viewport=size, locale="en-GB", color_scheme=scheme)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Mail address").fill(ALICE)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tickets")
    made = []
    for name, number in places.items():
        page.goto(f"/tickets/{number}")
        if name in OPENED:
            page.get_by_text("HTML version").first.click()
            page.frame_locator("iframe").first.locator("body").wait_for()
        if name in UNFOLDED:
            page.get_by_text("Earlier mail, quoted").first.click()
        page.wait_for_load_state("networkidle")
        made.append(folder / f"{name}{'-dark' if scheme == 'dark' else ''}.png")
        page.screenshot(path=made[-1], full_page=True)
    context.close()
    return made


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("folder", nargs="?", default="gallery", type=Path)
    wanted.add_argument("--dark", action="store_true", help="in dark colours too")
    asked = wanted.parse_args()
    for path in paint(asked.folder, ("light", "dark") if asked.dark else ("light",)):
        sys.stdout.write(f"{path}\n")
