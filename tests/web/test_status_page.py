"""The page of one request: what a requester sees by the link of a mail, and what they can do there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.knowledge.articles import Audience, State
from desk.knowledge.csat import CsatSettings
from desk.mail.stored_file import StoredFile
from desk.tickets.fields import Field, Kind
from desk.tickets.ticket import DESK, Message, MessageKind, Status
from gateway.web.app import routes
from storage.knowledge import articles, csat, csat_settings
from storage.knowledge.articles import Article
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, words
from tests.web.requesters import PLACE, RequesterDesk
from usecases.tickets import conversation, custom_fields, message_edits

PRINTER = "The printer on the second floor is broken since this morning."


@pytest.fixture
def desk(store: Store) -> RequesterDesk:
    made = RequesterDesk(store)
    made.receive(made.mail(f"Bob <{BOB}>", "Printer", PRINTER))
    return made


def test_a_mail_brings_a_link_and_the_link_brings_the_page(desk: RequesterDesk) -> None:
    path = desk.mailed_link("acknowledgement")
    page = desk.text(path)
    for shown in ("Request #1", "Printer", "Received", PRINTER, "Support", "2026-11-02 09:00 UTC", "Your answer"):
        assert shown in page
    html = desk.sent("acknowledgement", BOB)[-1].get_body(("html",))
    assert html and f'href="{PLACE}{path}"' in html.get_content()
    headers = desk.get(path).headers
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert "noindex" in headers["x-robots-tag"] and "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers


def test_replies_have_the_link_below_the_signature_in_the_requesters_language(desk: RequesterDesk) -> None:
    desk.receive(
        desk.mail(CAROL, "Drucker", "Der Drucker im zweiten Stock ist seit heute Morgen kaputt, bitte helfen.")
    )
    desk.reply(2, "Wir kommen gleich.")
    text = words(desk.sent("reply", CAROL)[-1])
    assert text.startswith("Wir kommen gleich.\n\n-- \nDer ganze Verlauf: https://desk.example.test/status/2-")
    assert "Wir kommen gleich." in desk.text(desk.mailed_link("reply", CAROL))


def test_a_mail_that_others_get_too_has_no_link(desk: RequesterDesk) -> None:
    desk.receive(desk.mail(BOB, "Both", "We both have this.", cc=CAROL))
    desk.reply(2, "Here is the answer.")
    (mail,) = desk.sent("reply", BOB)
    assert mail["Cc"] and "/status/" not in words(mail)


@pytest.mark.parametrize("off", [{"status_links": False}, {"status_pages": False}])
def test_links_can_be_switched_off(store: Store, off: dict[str, bool]) -> None:
    desk = RequesterDesk(store, **off)
    desk.receive(desk.mail(BOB, "Printer", PRINTER))
    assert "/status/" not in words(desk.sent("acknowledgement", BOB)[-1])
    assert desk.get(desk.link(1)).status_code == (200 if "status_links" in off else 404)


def test_an_answer_with_a_file_is_appended_like_a_mail(desk: RequesterDesk) -> None:
    desk.reply(1, "Which printer is it?")
    base = desk.mailed_link("reply")
    assert "Waiting for you" in desk.text(base)
    sent = desk.answer(base, "The grey one.\r\nIt smokes.", {"files": ("smoke.png", b"\x89PNG", "image/png")})
    assert sent.status_code == 303
    location = sent.headers["location"].removesuffix("#note")
    assert "Your answer is written down" in desk.text(location)
    desk.work()
    assert "Your answer is written down" not in desk.text(location)
    last = desk.messages(1)[-1]
    assert (last.reply, last.author_address, last.signal) == ("The grey one.\nIt smokes.", BOB, "signed-address")
    assert desk.ticket(1).status is Status.OPEN and desk.states() == {"ticketed": 1, "appended": 1}
    assert desk.letters("notice")[-1]["recipient"] == "alice@corp.example.test"
    page = desk.text(base)
    assert "The grey one.\nIt smokes." in page and f"{base}/files/{last.id}/0" in page
    file = desk.get(f"{base}/files/{last.id}/0")
    assert file.content == b"\x89PNG" and file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith('attachment; filename="smoke.png"')
    assert "sandbox" in file.headers["content-security-policy"] and file.headers["referrer-policy"] == "no-referrer"


def test_the_same_words_twice_are_two_answers_and_a_double_click_is_one(desk: RequesterDesk) -> None:
    base = desk.link(1)
    for _ in range(2):
        desk.answer(base, "Any news?")
        desk.later(hours=1)
    page = desk.get(base).text
    token = page.split('name="token" value="')[1].split('"')[0]
    for _ in range(2):
        assert desk.client.post(f"{base}/answer", data={"token": token, "text": "Please."}).status_code == 303
    desk.work()
    assert [one.reply for one in desk.messages(1)][1:] == ["Any news?", "Any news?", "Please."]


def test_it_is_solved_is_the_requesters_own_event_and_an_answer_opens_it_again(desk: RequesterDesk) -> None:
    base = desk.link(1)
    assert desk.press(base, f"{base}/solved").headers["location"] == f"{base}?solved=1#note"
    event = next(one for one in desk.events(1) if one.after == "resolved")
    assert (event.actor.kind, event.actor.name, event.why) == ("requester", "Bob", "the requester says so")
    page = desk.text(f"{base}?solved=1")
    assert "We have noted that it is solved" in page and "opened again" in page and f"{base}/solved" not in page
    again = desk.client.post(f"{base}/solved", data={"token": desk.text(base).split('name="token" value="')[1][:59]})
    assert again.status_code == 409 and "solved already" in again.text
    desk.answer(base, "No, it is broken again.")
    desk.work()
    assert desk.ticket(1).status is Status.OPEN and "reopened" in desk.kinds(1)


def test_the_question_how_it_went_is_on_the_page_and_only_a_press_votes(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        csat_settings.set_rules(session, CsatSettings(ask_rating=True))
    base = desk.link(1)
    desk.press(base, f"{base}/solved")
    desk.work()
    page = desk.text(base)
    token = page.split('action="/rate/')[1].split('"')[0]
    assert "Very good" in page
    assert desk.client.post(f"/rate/{token}", data={"score": "4"}).status_code == 303
    with desk.store.database.reading() as session:
        rating = csat.of_ticket(session, 1)
    assert rating and (rating.state, rating.score) == ("rated", 4)
    assert 'value="4" required checked' in desk.text(base)


def test_an_answer_long_after_the_close_becomes_a_request_of_its_own_and_the_page_leads_there(
    desk: RequesterDesk,
) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1)
        assert ticket
        tickets.save(session, conversation.transitions.close(ticket, desk.agent, desk.now))
    desk.later(days=60)
    base = desk.link(1)
    assert "becomes a new request" in desk.text(base)
    location = desk.answer(base, "It broke again today.").headers["location"]
    desk.work()
    page = desk.text(location.removesuffix("#note"))
    assert "became request #2" in page
    other = page.split('<a href="/status/2-')[1].split('"')[0]
    assert "It broke again today." in desk.text(f"/status/2-{other}")


def test_public_articles_are_offered_while_it_is_open_internal_ones_never(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        for audience in (Audience.PUBLIC, Audience.INTERNAL):
            text = f"When the printer on the second floor is broken, switch it off and on again. {audience}"
            made = Article(
                0, f"Broken printer, second floor ({audience})", text, state=State.PUBLISHED, audience=audience,
                created_at=desk.now, updated_at=desk.now,
            )  # fmt: skip
            articles.add(session, made)
    page = desk.text(desk.link(1))
    assert "Broken printer, second floor (public)" in page and "(internal)" not in page


def test_names_are_shown_addresses_are_not(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1)
        assert ticket
        tickets.save(
            session, conversation.transitions.assign(ticket, desk.alice.id, "Alice Agent", desk.agent, desk.now)
        )
    desk.reply(1, "See https://help.example.test/printers, please.")
    page = desk.text(desk.link(1))
    assert "Alice Agent" in page and "alice@corp" not in page
    assert '<a href="https://help.example.test/printers" rel="noopener noreferrer nofollow">' in page


def test_the_page_speaks_the_language_of_the_browser_then_of_the_requester(desk: RequesterDesk) -> None:
    base = desk.link(1)
    asked = {"de-AT,de;q=0.9": "Eingegangen", "xx, fr;q=0.5": "Reçue", "es": "Recibida", "pt-BR": "Recebido"}
    for header, word in asked.items():
        page = desk.text(base, headers={"Accept-Language": header})
        assert word in page and f'<html lang="{header[:2] if header[0] != "x" else "fr"}">' in page
    assert "Received" in desk.text(base, headers={"Accept-Language": "tlh"})


def test_fields_are_shown_if_they_are_for_requesters(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        for name, public in (("device", True), ("cost", False), ("warranty", True)):
            kind = Kind.CHECKBOX if name == "warranty" else Kind.TEXT
            custom_fields.save(session, Field(name, f"The {name}", kind, public=public))
            ticket = tickets.get(session, 1)
            assert ticket
            value = "yes" if name == "warranty" else f"<{name}>"
            tickets.save(session, custom_fields.fill_field(session, ticket, name, value, desk.agent, desk.now))
    page = desk.text(desk.link(1))
    assert "The device" in page and "&lt;device&gt;" in page and "✓" in page and "The cost" not in page
    told = desk.get(f"/api/v1{desk.link(1)}").json()
    assert told["fields"] == {"The device": "<device>", "The warranty": "✓"}


def test_long_conversations_are_turned_over_in_pages(desk: RequesterDesk) -> None:
    with desk.store.database.transaction() as session:
        for number in range(104):
            for kind in (MessageKind.NOTE, MessageKind.REPLY):
                text = f"Reply number {number}." if kind is MessageKind.REPLY else "A note."
                tickets.add_message(session, Message(1, kind, False, desk.agent, desk.now, text=text, reply=text))
    page = desk.text(desk.link(1))
    assert "Reply number 103." in page and "Reply number 3." not in page
    older = page.split("?before=")[1].split('"')[0]
    assert "Reply number 3." in desk.text(f"{desk.link(1)}?before={older}")


def test_the_same_as_json(desk: RequesterDesk) -> None:
    desk.note(1, "He always breaks it.")
    desk.reply(1, "We come today.", attachments=[stored(desk, b"plan", "plan.txt")])
    base = desk.mailed_link("reply")
    told = desk.get(f"/api/v1{base}").json()
    assert (told["number"], told["status"], told["team"], told["may_solve"]) == (1, "pending", "Support", True)
    assert [(one["from"], one["text"]) for one in told["messages"]] == [("you", PRINTER), ("desk", "We come today.")]
    (file,) = told["messages"][1]["files"]
    assert file["name"] == "plan.txt" and desk.get(file["url"]).content == b"plan"
    refused = desk.get(f"/api/v1{base[:-1]}x")
    assert refused.status_code == 404 and refused.json()["error"]["code"] == "wrong"


def stored(desk: RequesterDesk, content: bytes, name: str) -> StoredFile:
    with desk.store.database.transaction() as session:
        (digest,) = desk.store.blobs.put_many(session, [content], desk.now)
    return StoredFile(name, "text/plain", len(content), digest)


def test_a_form_gives_a_receipt_that_shows_the_state_and_nothing_that_was_said(desk: RequesterDesk) -> None:
    fields = {"name": "Eve", "email": BOB, "subject": "My payslip", "body": "Please send it."}
    thanks = desk.press("/request", "/request", **fields).headers["location"]
    receipt = desk.text(thanks).split('href="/request/sent/')[1].split('"')[0]
    assert "being read" in desk.text(f"/request/sent/{receipt}")
    desk.work()
    desk.reply(2, "Your salary is 4,000.")
    page = desk.text(f"/request/sent/{receipt}")
    assert "It is request #2." in page and "Waiting for you" in page
    assert "4,000" not in page and "payslip" not in page and BOB not in page
    assert desk.get(f"/request/sent/{receipt[:-1]}a").status_code == 404


def test_nothing_is_there_without_an_address_of_the_desk(store: Store) -> None:
    settings = replace(store.settings, public_url="")
    paths = {getattr(route, "path", "") for route in routes(store, settings)}
    assert "/request" in paths and not any(path.startswith(("/status", "/my")) for path in paths)


def test_what_was_taken_back_is_not_shown_to_requesters(desk: RequesterDesk) -> None:
    path = desk.mailed_link("acknowledgement")
    with desk.store.database.transaction() as session:
        message_edits.withdraw(session, tickets.messages_of(session, 1)[0], DESK, desk.now)
    assert PRINTER not in desk.text(path)
