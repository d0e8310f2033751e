"""All requests of somebody: the mail with the link, the session, what is listed, and the way out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

import frontdesk
from desk.access.visibility import Viewer
from desk.portal import status_links
from desk.tickets.ticket import DESK
from storage.access import visibility
from storage.mail import outbound
from storage.open_store import Store
from storage.people import organisations, people
from storage.people.organisations import Organisation
from storage.tables.tickets import messages
from storage.tickets import tickets
from tests.small_desk import BILLING, BOB, CAROL, EVE
from tests.web.requesters import RequesterDesk
from usecases.privacy import erasure

NINA, OTTO = "nina@acme.example.test", "otto@acme.example.test"


@pytest.fixture
def desk(any_store: Store) -> RequesterDesk:
    """#1 is Bob's, #2 Nina's, #3 Otto's with the team Billing; Nina and Otto are of Acme."""
    made = RequesterDesk(any_store)
    with made.store.database.transaction() as session:
        organisations.save(session, Organisation(0, "Acme", ("acme.example.test",), shared=True), made.now)
    made.receive(made.mail(f"Bob <{BOB}>", "Printer", "The printer smokes."))
    made.receive(made.mail(f"Nina <{NINA}>", "Door", "The door squeaks."))
    made.receive(made.mail(f"Otto <{OTTO}>", "Payslip", "My payslip is wrong.", to=BILLING))
    return made


def make_private(desk: RequesterDesk, *, private: bool = True) -> None:
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Billing")
        assert team
        visibility.set_private(session, team.id, private=private)


def links(desk: RequesterDesk) -> list[str]:
    """To whom a link was mailed."""
    with desk.store.database.reading() as session:
        rows = session.execute(sa.text("SELECT recipient FROM outbound WHERE kind = 'requests-link' ORDER BY id"))
        return list(rows.scalars())


def test_a_requester_asks_for_the_link_presses_the_button_and_sees_their_own_requests(desk: RequesterDesk) -> None:
    desk.sign_in(BOB)
    cookie = next(one for one in desk.client.cookies.jar if one.name == "__Secure-frontdesk-requests")
    assert cookie.path == "/my" and cookie.secure and cookie.has_nonstandard_attr("HttpOnly")
    page = desk.text("/my")
    assert "Printer" in page and BOB in page and "Door" not in page and "Payslip" not in page
    assert "The printer smokes." in desk.text("/my/tickets/1")
    for number in (2, 3, 4, 2**70):
        assert desk.get(f"/my/tickets/{number}").status_code == 404
    desk.answer("/my/tickets/1", "It burns now.")
    desk.work()
    assert desk.messages(1)[-1].reply == "It burns now."


def test_the_answer_is_the_same_whether_the_address_is_known_or_not(desk: RequesterDesk) -> None:
    def ask(address: str) -> tuple[Any, ...]:
        sent = desk.press("/my", "/my/ask", email=address)
        headers = {name: value for name, value in sent.headers.items() if name != "date"}
        return sent.status_code, headers, sent.text

    answers = [
        ask(one) for one in (BOB, "stranger@nowhere.example.test", "noreply@home.example.test", desk.alice.address)
    ]
    assert all(one == answers[0] for one in answers) and answers[0][0] == 303
    assert links(desk) == [BOB]
    assert desk.press("/my", "/my/ask", email="no address").status_code == 422


def test_it_is_one_mail_however_often_somebody_asks(desk: RequesterDesk) -> None:
    assert [desk.press("/my", "/my/ask", email=BOB).status_code for _ in range(6)] == [303] * 4 + [429] * 2
    assert links(desk) == [BOB]
    desk.later(minutes=31)
    assert desk.press("/my", "/my/ask", email=BOB).status_code == 303
    assert links(desk) == [BOB, BOB]
    desk.later(hours=2)
    asked = [desk.press("/my", "/my/ask", email=f"a{n}@x.example.test").status_code for n in range(12)]
    assert asked == [303] * 10 + [429] * 2


def test_the_mail_is_calm_and_speaks_the_browsers_language(desk: RequesterDesk) -> None:
    desk.client.headers["Accept-Language"] = "fr"
    desk.press("/my", "/my/ask", email=BOB)
    with desk.store.database.reading() as session:
        (letter,) = [one for one in outbound.claim(session, 100, desk.now) if one.kind == "requests-link"]
    assert letter.content.subject == "Le lien vers vos demandes" and letter.content.automatic
    assert "30 minutes :\n\nhttps://desk.example.test/my/open/" in letter.content.text
    assert letter.external_id.startswith("requests.") and letter.ticket_id is None


def test_the_link_works_for_half_an_hour_and_the_session_for_hours(desk: RequesterDesk) -> None:
    with desk.store.database.reading() as session:
        bob = people.by_address(session, BOB)
    assert bob
    entry = "/my/open/" + status_links.entry_token(bob.id, 0, desk.store.secret, desk.now)
    page = desk.text(entry)
    assert "12 hours" in page and "Printer" not in page
    desk.later(minutes=29)
    assert desk.press(entry, entry).status_code == 303
    desk.later(minutes=2)
    late = desk.get(entry)
    assert late.status_code == 410 and 'action="/my/ask"' in late.text
    desk.later(hours=11)
    assert "Printer" in desk.text("/my")
    desk.later(hours=1)
    assert "Printer" not in desk.text("/my") and desk.get("/my/tickets/1").status_code == 403


def test_who_logs_out_is_out_wherever_the_cookie_is(desk: RequesterDesk) -> None:
    desk.sign_in(BOB)
    kept = dict(desk.client.cookies)
    left = desk.press("/my", "/my/leave")
    assert left.headers["location"] == "/my?left=1" and "Max-Age=0" in left.headers["set-cookie"]
    thief = desk.browser()
    thief.cookies.update(kept)
    assert "Printer" not in thief.get("/my").text and thief.get("/my/tickets/1").status_code == 403
    assert "logged out" in desk.text("/my?left=1")


def test_all_links_can_be_made_void_and_the_next_mail_brings_a_good_one(desk: RequesterDesk) -> None:
    old = desk.mailed_link("acknowledgement")
    desk.sign_in(BOB)
    entry = desk.mailed(BOB)
    assert desk.press("/my", "/my/void").headers["location"] == "/my?voided=1"
    assert [desk.get(path).status_code for path in (old, entry, "/my/tickets/1")] == [410, 410, 403]
    desk.reply(1, "Is it better?")
    assert "Is it better?" in desk.text(desk.mailed_link("reply"))


def test_a_cookie_lets_nobody_post_without_the_pages_own_token(desk: RequesterDesk) -> None:
    desk.sign_in(BOB)
    for path in ("/my/tickets/1/answer", "/my/tickets/1/solved", "/my/leave", "/my/void"):
        for data in ({"text": "x"}, {"text": "x", "token": "0" * 32 + "." + "a" * 26}):
            assert desk.client.post(path, data=data).status_code == 422, path
    other = RequesterDesk.browser(desk)
    token = other.get("/my").text.split('name="token" value="')[1].split('"')[0]
    assert desk.client.post("/my/void", data={"token": token}).status_code == 422
    assert desk.kinds(1) == ["opened"] and "Printer" in desk.text("/my")


def test_an_organisation_that_allows_it_shows_its_people_each_others_requests_to_read(desk: RequesterDesk) -> None:
    desk.sign_in(NINA)
    page = desk.text("/my?whose=organisation")
    assert "Requests of Acme" in page and "Payslip" in page and "Door" in page and "Printer" not in page
    assert "Payslip" not in desk.text("/my")
    theirs = desk.text("/my/tickets/3")
    assert "My payslip is wrong." in theirs and OTTO not in theirs and "only whoever sent it" in theirs
    with desk.store.database.transaction() as session:
        session.execute(sa.update(messages).where(messages.c.ticket_id == 3).values(author_name=OTTO))
    assert "Whoever sent it" in desk.text("/my/tickets/3")
    token = desk.text("/my/tickets/2").split('name="token" value="')[1].split('"')[0]
    for verb in ("answer", "solved"):
        assert desk.client.post(f"/my/tickets/3/{verb}", data={"token": token, "text": "x"}).status_code == 403
    with desk.store.database.transaction() as session:
        organisations.save(session, Organisation(0, "Acme", ("acme.example.test",), shared=False), desk.now)
    assert desk.get("/my/tickets/3").status_code == 404 and "Payslip" not in desk.text("/my?whose=organisation")


def test_requests_of_private_teams_are_seen_by_whoever_sent_them_and_by_no_colleague(desk: RequesterDesk) -> None:
    make_private(desk)
    desk.sign_in(NINA)
    assert "Payslip" not in desk.text("/my?whose=organisation") and desk.get("/my/tickets/3").status_code == 404
    assert desk.get(desk.link(3, NINA)).status_code == 404
    desk.press("/my", "/my/leave")
    desk.sign_in(OTTO)
    assert "Payslip" in desk.text("/my") and "My payslip is wrong." in desk.text("/my/tickets/3")
    assert "Door" in desk.text("/my?whose=organisation")


def test_an_agent_who_does_not_see_a_private_team_cannot_read_the_mail_that_would_open_it(desk: RequesterDesk) -> None:
    make_private(desk)
    desk.press("/my", "/my/ask", email=OTTO)
    desk.work()
    with desk.store.database.reading() as session:
        everything = [row["id"] for row in outbound.list_captured(session) if row["kind"] == "requests-link"]
        session.viewer = Viewer(desk.alice.id, "Alice", hidden=visibility.private_teams(session))
        assert len(everything) == 1 and outbound.get(session, everything[0]) is None
        assert not [row for row in outbound.list_captured(session) if row["kind"] == "requests-link"]


def test_who_was_erased_gets_no_link_and_loses_the_session(desk: RequesterDesk) -> None:
    desk.sign_in(BOB)
    erasure.erase(desk.store, BOB, DESK, desk.now)
    assert "Printer" not in desk.text("/my") and "(erased)" not in desk.text("/my")
    desk.later(hours=1)
    desk.press("/my", "/my/ask", email=BOB)
    assert links(desk) in ([BOB], ["(erased)"])


def test_long_lists_are_turned_over_in_pages(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        first = tickets.get(session, 1)
        assert first
        numbers = tickets.reserve(session, 60)
        made = [
            tickets.Ticket(number, f"Matter {number}", first.requester_id, desk.now, desk.now) for number in numbers
        ]
        tickets.insert_many(session, made)
    desk.sign_in(BOB)
    page = desk.text("/my")
    assert "Matter 63<" in page and "Matter 4<" not in page
    older = page.split("/my?before=")[1].split('"')[0]
    assert "Matter 4<" in desk.text(f"/my?before={older}")


def test_somebody_without_a_request_gets_no_mail(desk: RequesterDesk) -> None:
    for address in (EVE, CAROL, "support@desk.example.test"):
        desk.press("/my", "/my/ask", email=address)
    assert links(desk) == []


def test_a_command_makes_somebodys_links_void(
    desk: RequesterDesk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, path = desk.store.settings, desk.link(1)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", settings.data_dir)
    monkeypatch.setenv("FRONTDESK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", settings.secret_key)
    assert frontdesk.main(["person", "void-links", BOB, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["link_version"] == 1
    assert desk.get(path).status_code == 410
    assert frontdesk.main(["person", "void-links", "nobody@x.example.test"]) != 0
