"""The pages: they show what is there, escape what strangers wrote, and carry the headers that hold a browser back."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from console.operations import captured_mail
from console.web import rendering
from desk.mail.authentication import Verdict
from desk.mail.trust import MessageTrust
from desk.tickets.ticket import DESK, Actor, ActorKind, Event, Message, MessageKind, Status
from desk.web.download import disposition
from storage.tickets import tickets
from storage.tickets.list_filter import TicketFilter
from storage.tickets.listings import ticket_rows
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import PIXEL, RAW, plain_ticket

PAGES = (
    "/tickets",
    "/tickets/1",
    "/tickets/2",
    "/ledger",
    "/quarantine",
    "/caught",
    "/caught/1",
    "/mailboxes",
    "/account",
)


@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
def test_every_page_carries_the_headers_that_hold_a_browser_back(alice: Browser, path: str) -> None:
    headers = alice.get(path).headers
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "img-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, "/tickets?status=all"])
def test_what_strangers_wrote_is_escaped_on_every_page(alice: Browser, path: str) -> None:
    text = alice.get(path).text
    assert "<script>alert" not in text
    assert "onerror=alert(1)>" not in text.replace("&lt;img src=x onerror=alert(1)&gt;", "")
    assert "<b>now</b>" not in text


def test_a_template_in_a_subject_stays_literal(console: Console, alice: Browser) -> None:
    assert "{{ 7 * 7 }}" in alice.get(f"/tickets/{console.things.other}").text


def test_the_ticket_page_tells_public_from_internal(console: Console, alice: Browser) -> None:
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert text.count('class="message note"') == 1
    assert text.count('class="message out"') == 1
    assert "Internal note" in text
    assert "Public reply" in text


def test_the_ticket_page_shows_why(console: Console, alice: Browser) -> None:
    text = alice.get(f"/tickets/{console.things.ticket}").text
    for part in (
        "Earlier mail, quoted (2 lines)",
        "nothing in it names a thread",
        "signed for Carol and this ticket",
        "91%",
        "invoice",
        "refund",
        "undeliverable",
        "550 no such user",
        "assigned it to Alice",
        "replied first",
        "dan@customer.example.test",
    ):
        assert part in text


def test_html_of_a_mail_is_only_in_a_sandboxed_frame(console: Console, alice: Browser) -> None:
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in text
    assert "allow-scripts" not in text
    assert "allow-same-origin" not in text
    message = console.messages()[0].id
    assert f'src="/messages/{message}/html?key=' in text and "<script>document" not in text
    frame = alice.get(f"/messages/{message}/html")
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy and "script" not in policy and "unsafe" not in policy
    assert frame.headers["x-frame-options"] == "SAMEORIGIN" and "cid:logo" not in frame.text
    assert "http://127.0.0.1:1" not in frame.text and f'<img src="/messages/{message}/pictures/0?key=' in frame.text


def test_attachments_are_saved_never_shown(console: Console, alice: Browser) -> None:
    message = console.messages()[0].id
    picture = alice.get(f"/messages/{message}/files/0")
    assert picture.content == PIXEL
    evil = alice.get(f"/messages/{message}/files/1")
    for answer in (picture, evil):
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert f"filename*=UTF-8''{quote('../evil', safe='')}" in evil.headers["content-disposition"]


@pytest.mark.parametrize("name", ['a"b', "a\r\nb: c", "../..", "naïve 😀.txt", "\ud83d", "", ";=*'%"])
def test_a_file_name_never_leaves_its_header(name: str) -> None:
    made = disposition(name)
    assert made.isascii()
    assert made.isprintable()
    assert made.count('"') == 2


def test_raw_mail_can_be_saved(console: Console, alice: Browser) -> None:
    assert alice.get(f"/messages/{console.messages()[0].id}/raw").content == RAW
    assert alice.get(f"/inbound/{console.things.quarantined}/raw").content == RAW


@pytest.mark.parametrize(
    "path",
    [
        "/tickets/999",
        "/tickets/" + "9" * 30,
        "/messages/1/files/99",
        "/messages/999/raw",
        "/messages/2/raw",
        "/inbound/999/raw",
        "/caught/999",
        "/outbound/1/raw",
    ],
)
def test_what_is_not_there_is_a_plain_404(alice: Browser, path: str) -> None:
    answer = alice.get(path)
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_the_list_pages_by_number(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        for n in range(60):
            plain_ticket(session, f"p{n}@example.test", f"Matter {n}", "text", START)
    first = alice.get("/tickets").text
    assert first.count('class="number"') == 50
    assert 'href="/tickets?before=13"' in first
    second = alice.get("/tickets?before=13").text
    assert second.count('class="number"') == 12
    assert "Older" not in second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2]),
        ("status=waiting", []),
        ("status=open", [1, 2]),
        ("status=new", [2]),
        ("q=4711", [1]),
        ("q=2", [2]),
        ("q=number+4711", [1]),
        ("q=%231", [1]),
        ("q=carol@customer.example.test", [1]),
        ("q=nobody@x.test", []),
        ("assignee=me", [1]),
        ("assignee=nobody", [2]),
        ("team=1", [1]),
        ("category=billing", [1]),
        ("priority=high", [1]),
        ("priority=low", []),
        ("status=nonsense&assignee=x&team=x&before=x", [1, 2]),
    ],
)
def test_the_list_finds_by(alice: Browser, query: str, found: list[int]) -> None:
    text = alice.get(f"/tickets?{query}").text
    assert [number for number in (1, 2) if f'href="/tickets/{number}"' in text] == found


@pytest.mark.parametrize("words", ["*", '"', "NEAR(", "a AND", "%%%", "\x00", "'", "-", "^a", "a:b", "{x}", "ü" * 400])
def test_no_search_breaks_the_list(alice: Browser, words: str) -> None:
    assert alice.get("/tickets", params={"q": words}).status_code == 200


def test_a_search_that_is_too_long_or_too_frequent_is_refused(alice: Browser) -> None:
    assert alice.get("/tickets", params={"q": "a" * 10_000}).status_code == 400
    codes = [alice.get("/tickets?q=x").status_code for _ in range(125)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_the_list_knows_status_and_owner_by_sql(console: Console) -> None:
    with console.store.database.reading() as session:
        rows = ticket_rows(session, TicketFilter(statuses=(Status.OPEN,)), before=None, most=10)
    assert [(row.id, row.assignee, row.probability) for row in rows] == [(console.things.ticket, "Alice", 0.91)]


def test_the_ledger_adds_up(alice: Browser) -> None:
    text = alice.get("/ledger").text
    assert "It adds up: 2 accepted = 1 settled + 1 unsettled." in text
    assert "undeliverable" in text


def test_quarantine_shows_the_reason_and_gives_it_back(console: Console, alice: Browser) -> None:
    text = alice.get("/quarantine").text
    assert "took longer than 10 seconds to read" in text
    answer = alice.press(f"/quarantine/{console.things.quarantined}/release", "/quarantine")
    assert answer.headers["location"] == "/quarantine?done=released"
    assert "releasing" in alice.get("/quarantine").text
    assert alice.press(f"/quarantine/{console.things.quarantined}/release", "/quarantine").status_code == 409


def test_caught_mail_is_text_with_links(console: Console, alice: Browser) -> None:
    assert "Re: Invoice 7 is wrong" in alice.get("/caught").text
    text = alice.get(f"/caught/{console.things.caught}").text
    assert '<a href="https://desk.example.test/status?a=1&amp;b=2" rel="noreferrer">' in text
    assert "&lt;b&gt;now&lt;/b&gt;" in text


def test_a_rendered_mail_is_read_as_a_reader_would() -> None:
    raw = (
        b"From: =?utf-8?q?B=C3=BCro?= <a@b.test>\r\nSubject: =?bad?x?\r\nX-Other: x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    )
    letter = captured_mail.parse_mail(raw)
    assert dict(letter.headers)["From"].startswith("Büro")
    assert "X-Other" not in dict(letter.headers)
    assert letter.text == "Grüße\n"


def test_mailboxes_show_how_fetching_goes(alice: Browser) -> None:
    text = alice.get("/mailboxes").text
    assert "the server refused the password" in text
    assert "failing" in text


def test_pages_work_without_scripts_and_name_what_they_load(alice: Browser) -> None:
    text = alice.get("/tickets").text
    assert "http://" not in text.replace("http://www.w3.org", "")
    for path in ("/static/console.css", "/static/console.js", "/static/icon.svg", "/static/mail.css"):
        assert alice.get(path).status_code == 200


def test_times_are_given_in_utc_for_the_script_to_translate() -> None:
    assert str(rendering.moment(START)) == '<time datetime="2026-03-02T09:00:00Z">2026-03-02 09:00 UTC</time>'
    assert ">3 h<" in str(rendering.age(START - timedelta(hours=3), START))


def test_a_database_that_is_away_is_said_to_be(
    console: Console, alice: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlalchemy as sa

    def gone(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr("storage.tickets.listings.ticket_rows", gone)
    answer = alice.get("/tickets")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


def test_a_mail_that_only_claims_to_be_an_agents_is_marked(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        actor = Actor(ActorKind.AGENT, console.things.bob, "Bob")
        trust = MessageTrust(Verdict.FAIL, sender_strict=True, unverified="there is no signed reply address")
        note = Message(console.things.ticket, MessageKind.NOTE, True, actor, START, reply="#close", trust=trust)
        tickets.add_message(session, note)
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert "Not executed: this mail claims to be from an agent, but there is no signed reply address." in text
    assert "not verified: forged" in text


@pytest.mark.parametrize("kind", ["opened", "delivery_failed", "linked", "something_new"])
def test_every_event_reads_as_a_sentence(kind: str) -> None:
    event = Event(1, START, kind, DESK, "open {x}", "7")
    assert rendering.event_sentence(event)
    assert "{after}" not in rendering.event_sentence(event)


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0.914, "91%"), (0.9999, ">99%"), (0.0001, "<1%")])
def test_a_guess_is_never_shown_as_certain(value: float | None, text: str) -> None:
    assert rendering.percent(value) == text
