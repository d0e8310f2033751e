"""What the ticket page shows of real mails: machines' mail with its reason, pictures, long threads, frames."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from console.access import passwords
from console.routes import create_app
from console.tickets import remote_images
from console.web.rendering import lines
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from tests.console import fixtures_gallery_mails as mails
from tests.console.conftest import Browser
from tests.console.fixtures_desk import PASSWORD
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk


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
        people.add_agent(session, NewAgent(ALICE, "Alice", "agent", passwords.hash_password(PASSWORD)), desk.now)
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
        (mails.newsletter, ["Newsletter", "it can be unsubscribed from", "not acknowledged"]),
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("رقم 4711-AB هو", 'رقم <bdi dir="ltr">4711-AB</bdi> هو'),
        ("מספר https://a.test/?x=1&y=<2>.", 'מספר <bdi dir="ltr">https://a.test/?x=1&amp;y=&lt;2&gt;.</bdi>'),
        ("كلمة <b>a-b</b> & it's", 'كلمة &lt;b&gt;<bdi dir="ltr">a-b</bdi>&lt;/b&gt; &amp; it&#39;s'),
        ("number 4711-AB", "number 4711-AB"),
    ],
)
def test_codes_keep_their_order_among_words_from_right_to_left(text: str, shown: str) -> None:
    assert lines(text) == shown


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
    assert f'<img src="{place}"' in page and "download><bdi>shot.png</bdi>" not in page
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


@pytest.mark.parametrize(
    ("fields", "body", "said"),
    [
        (
            'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
            "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
            "--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\nx\r\n--b--",
            "Encrypted with PGP: we cannot read it; the file is attached.",
        ),
        ("application/pkcs7-mime; name=smime.p7m", "MIIB", "Encrypted with S/MIME: we cannot read it; the file is att"),
        (
            'multipart/signed; protocol="application/pkcs7-signature"; boundary=b',
            "--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--",
            "Signed with S/MIME. We do not check the signature, so it proves nothing.",
        ),
        ("text/plain; charset=x-none-such", "hello", "<dt>Remark</dt><dd>unknown charset</dd>"),
    ],
)
def test_seals_are_told_on_the_page_and_in_the_api(gallery: Gallery, fields: str, body: str, said: str) -> None:
    raw = f"From: {BOB}\r\nTo: {SUPPORT}\r\nSubject: Sealed\r\nContent-Type: {fields}\r\n\r\n{body}"
    gallery.desk.receive(gallery.desk.raw_mail(raw.encode(), BOB, [SUPPORT]))
    assert said in gallery.page()
    (message,) = gallery.alice.get("/api/v1/tickets/1").json()["messages"]
    assert len(message["trust"]["defects"]) == 1


def test_an_open_mail_has_no_remark(gallery: Gallery) -> None:
    gallery.desk.receive(gallery.desk.mail(BOB, "Open", "Hello"))
    assert 'class="noticed"' not in gallery.page() and "Remark" not in gallery.page()
    assert "defects" not in gallery.alice.get("/api/v1/tickets/1").json()["messages"][0]["trust"]


def _frame(gallery: Gallery, **query: str) -> str:
    """Where the ticket page has the HTML of its first message."""
    match = re.search(r'<iframe [^>]*src="([^"]+)"', gallery.page())
    assert match is not None
    return "&".join([match[1], *(f"{name}={value}" for name, value in query.items())])


def test_pictures_from_elsewhere_wait_for_a_click_and_name_their_hosts(gallery: Gallery) -> None:
    mails.newsletter(gallery.desk)
    blocked = gallery.stranger.get(_frame(gallery))
    assert "2 remote pictures were not loaded: <bdi>pictures.example.test, cdn.example.test</bdi>" in blocked.text
    assert "1 tracking picture of one pixel is left out" in blocked.text and "1 picture is left out" in blocked.text
    assert "img-src 'self';" in blocked.headers["content-security-policy"]
    assert '<span class="missing">toner</span>' in blocked.text
    assert " src=" not in blocked.text and "count.example.test" not in blocked.text
    click = re.search(r'<a href="([^"]+)" target="_self">Show them</a>', blocked.text)
    assert click is not None
    shown = gallery.stranger.get(html.unescape(click[1]))
    policy = shown.headers["content-security-policy"]
    assert "img-src 'self' https://pictures.example.test https://cdn.example.test;" in policy and "sandbox" in policy
    assert shown.headers["referrer-policy"] == "no-referrer"
    picture = '<img src="https://pictures.example.test/toner.jpg" referrerpolicy="no-referrer" alt="toner" width="300">'
    assert picture in shown.text and "count.example.test" not in shown.text and "192.0.2.7" not in shown.text
    assert "Hide them</a>" in shown.text


def test_no_link_in_a_mail_shows_pictures_from_elsewhere(gallery: Gallery) -> None:
    mails.newsletter(gallery.desk)
    number = gallery.desk.messages(1)[0].id
    without_key = gallery.alice.get(f"/messages/{number}/html?pictures=shown")
    assert without_key.status_code == 200 and "were not loaded" in without_key.text and " src=" not in without_key.text
    other = gallery.alice.get(_frame(gallery, pictures="shown").replace(f"/{number}/", f"/{number + 1}/"))
    assert "Reload the ticket" in other.text and "toner" not in other.text


def test_the_address_of_a_frame_is_void_after_a_day(gallery: Gallery) -> None:
    mails.newsletter(gallery.desk)
    place = _frame(gallery)
    gallery.desk.later(hours=11)
    assert "Our offers" in gallery.stranger.get(place).text
    gallery.desk.later(hours=14)
    assert "Our offers" not in gallery.stranger.get(place).text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://Img.Example.test:8443/a?b;c", "https://img.example.test:8443"),
        ("http://bücher.example/a.png", "http://xn--bcher-kva.example"),
        ("http://127.0.0.1/", ""),
        ("http://[::1]/", ""),
        ("http://2130706433/", ""),
        ("http://0x7f.1/", ""),
        ("http://intranet/logo.png", ""),
        ("http://router.local/", ""),
        ("http://a.example.test;script-src/", ""),
        ("http://a.example.test'/", ""),
        ("http://u:p@a.example.test/", ""),
        ("http://a.example.test:99999/", ""),
        ("ftp://a.example.test/", ""),
    ],
)
def test_only_names_of_the_web_get_into_the_frames_policy(address: str, expected: str) -> None:
    assert remote_images.origin({remote_images.ATTRIBUTE: address}) == expected


def test_a_mail_with_thousands_of_hosts_widens_the_policy_to_few() -> None:
    many = [{remote_images.ATTRIBUTE: f"https://h{number}.example.test/"} for number in range(3_000)]
    outside = remote_images.find_remote_images(many)
    assert (
        len(outside.origins) == remote_images.MOST_HOSTS == outside.pictures
        and outside.refused == 3_000 - outside.pictures
    )
    assert outside.named.endswith("and 35 more")
