"""What the ticket page shows of real mails: machines' mail with its reason, pictures, long threads, frames."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from console import passwords
from console.app import create_app
from storage import people
from storage.store import Store
from tests.console import gallery_mails as mails
from tests.console.conftest import Browser
from tests.console.furnished import PASSWORD
from tests.small_desk import ALICE, SmallDesk


@dataclass
class Gallery:
    """A desk to receive mails, a browser that is signed in, and one that is not."""

    desk: SmallDesk
    alice: Browser
    stranger: Browser

    def page(self) -> str:
        return str(self.alice.get("/tickets/1").text)


@pytest.fixture
def gallery(store: Store) -> Gallery:
    desk = SmallDesk(store)
    with store.database.transaction() as session:
        people.add_agent(session, ALICE, "Alice", "agent", passwords.hashed(PASSWORD), [], desk.now)
    app = create_app(store, store.settings, clock=lambda: desk.now)
    alice, stranger = (Browser(TestClient(app, base_url="http://desk.example.test")) for _ in range(2))
    page = alice.get("/login").text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    alice.client.post("/login", data={"csrf": token[1], "address": ALICE, "password": PASSWORD, "next": ""})
    return Gallery(desk, alice, stranger)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (mails.out_of_office, ["Out of office", "back on 2026-11-16", "status and clocks stay"]),
        (mails.bounce, ["Delivery report", "The mail to <bdi>gone@old.example.test</bdi> came back", "5.1.1"]),
        (mails.newsletter, ["Newsletter or mailing list", "List-Id is set", "not acknowledged"]),
        (mails.invitation, ["Invitation: Review of the outage", "14:00–14:45 (Europe/Berlin)", "Room 4, second floor"]),
    ],
)
def test_a_machines_mail_says_what_it_is_and_why(gallery: Gallery, scene: mails.Scene, said: list[str]) -> None:
    scene(gallery.desk)
    page = gallery.page()
    assert [part for part in said if part.lower() not in page.lower()] == []


def test_names_and_texts_from_right_to_left_stay_within_their_place(gallery: Gallery) -> None:
    mails.arabic(gallery.desk)
    page = gallery.page()
    assert "<bdi>ليلى حداد</bdi>" in page and "<bdi>مشكلة" in page and 'dir="auto">مرحبا،' in page


def test_a_long_thread_is_folded_but_for_its_first_and_last_messages(gallery: Gallery) -> None:
    mails.long_thread(gallery.desk)
    page = gallery.page()
    count = len(gallery.desk.messages(1))
    assert count >= 40 and page.count('<li class="message') == count
    assert page.count('<details class="fold">') == count - 6 and "earlier</summary>" in page
    first, *_, last = page.split('<li class="message')[1:]
    assert 'class="fold"' not in first and 'class="fold"' not in last


def test_a_short_thread_is_not_folded(gallery: Gallery) -> None:
    mails.programs(gallery.desk)
    assert 'class="fold"' not in gallery.page() and gallery.page().count("Earlier mail, quoted") == 3


def test_pictures_are_shown_to_agents_and_in_the_frame_only(gallery: Gallery) -> None:
    mails.inline_image(gallery.desk)
    page = gallery.page()
    number = gallery.desk.messages(1)[0].id
    place = f"/messages/{number}/pictures/0"
    assert f'<img src="{place}"' in page and ">shot.png</bdi>" not in page
    picture = gallery.alice.get(place)
    assert picture.headers["content-type"] == "image/png" and picture.content[:4] == b"\x89PNG"
    assert picture.headers["content-security-policy"].startswith("sandbox")
    assert gallery.stranger.get(place).status_code == 303
    frame = gallery.alice.get(f"/messages/{number}/html").text
    match = re.search(rf'<img src="({place}\?key=\w+)"', frame)
    assert match is not None and gallery.stranger.get(match[1]).status_code == 200
    forged = [match[1][:-1] + ("a" if match[1][-1] != "a" else "b"), f"{place}?key=", match[1].replace("/0?", "/1?")]
    assert {gallery.stranger.get(path).status_code for path in forged} == {404}
    gallery.desk.now += timedelta(hours=2)
    assert gallery.stranger.get(match[1]).status_code == 404


def test_a_file_that_is_no_plain_picture_is_never_shown(gallery: Gallery) -> None:
    mails.bounce(gallery.desk)
    number = gallery.desk.messages(1)[-1].id
    assert gallery.alice.get(f"/messages/{number}/pictures/0").status_code == 404
    assert gallery.alice.get(f"/messages/{number}/pictures/{2**64}").status_code == 404
    assert gallery.alice.get(f"/messages/{2**64}/html").status_code == 404


def test_links_open_elsewhere_and_say_where_they_go(gallery: Gallery) -> None:
    mails.inline_image(gallery.desk)
    frame = gallery.alice.get(f"/messages/{gallery.desk.messages(1)[0].id}/html").text
    target = "https://other.example.test/login?x=1"
    assert f'<a href="{target}" title="{target}" target="_blank" rel="noopener noreferrer nofollow">' in frame
    assert gallery.stranger.get("/messages/1/html").status_code == 303
