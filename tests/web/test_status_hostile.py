"""The status page under attack: foreign, changed and old links, others' files, scanners, other sites, hostile words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from desk.portal import status_links
from desk.tickets.ticket import DESK, Actor, ActorKind, Message, MessageKind
from storage.open_store import Store
from storage.people import people, requester_sessions
from storage.tables.tickets import messages
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, CAROL, EVE
from tests.web.requesters import RequesterDesk
from usecases.privacy import erasure
from usecases.tickets import conversation, merging
from usecases.tickets.merging import MergeRequest

SECRET = b"a key of the tests, known to everybody"


@pytest.fixture
def desk(any_store: Store) -> RequesterDesk:
    """#1 is Bob's, #2 is Carol's."""
    made = RequesterDesk(any_store)
    made.receive(made.mail(f"Bob <{BOB}>", "Printer", "The printer smokes."))
    made.receive(made.mail(f"Carol <{CAROL}>", "Payslip", "My payslip is wrong."))
    return made


def token_of(desk: RequesterDesk, page: str) -> str:
    return str(desk.get(page).text.split('name="token" value="')[1].split('"')[0])


def test_a_genuine_link_of_somebody_without_a_part_opens_nothing(desk: RequesterDesk) -> None:
    for path in (desk.link(2, BOB), desk.link(1, CAROL), desk.link(99, BOB)):
        answer = desk.get(path)
        assert answer.status_code == 404 and "payslip" not in answer.text and "smokes" not in answer.text
        assert desk.client.post(f"{path}/answer", data={"text": "hello"}).status_code == 404
        assert desk.client.post(f"{path}/solved", data={"text": ""}).status_code == 404


def test_no_letter_of_a_link_can_be_changed(desk: RequesterDesk) -> None:
    path = desk.link(1)
    body, _, mac = path.rpartition("-")
    ticket, rest = body.removeprefix("/status/").split("-", 1)
    changed = [f"{body}-{mac[:-1]}{'a' if mac[-1] != 'a' else 'b'}", f"/status/2-{rest}-{mac}", f"{body}-{mac}a", body]
    changed += [f"/status/0{ticket}-{rest}-{mac}", f"/status/{ticket}-{rest}-{mac.upper()}", "/status/1", "/status/%00"]
    secret, now = desk.store.secret, desk.now
    changed.append("/status/" + status_links.entry_token(desk.alice.id, 0, secret, now))
    changed.append("/status/" + status_links.receipt_token(1, secret, now))
    for one in changed:
        assert desk.get(one).status_code == 404, one


@given(st.text(alphabet="0123456789-abcdefghijklmnopqrstuvwxyz\n ٣", max_size=80))
def test_no_text_is_read_as_a_token(text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for read in (status_links.read_status_token, status_links.read_entry_token, status_links.read_receipt_token):
        assert read(text, SECRET, now) is None
        assert (
            read(status_links.status_token(1, 2, 3, timedelta(days=1), SECRET, now) + text[:1] + "x", SECRET, now)
            is None
        )


def test_an_old_link_says_so_and_keeps_what_was_typed(desk: RequesterDesk) -> None:
    path = desk.link(1, days=1)
    token = token_of(desk, path)
    desk.later(days=1, minutes=2)
    answer = desk.get(path)
    assert answer.status_code == 410 and "is over" in answer.text and 'action="/my/ask"' in answer.text
    assert "smokes" not in answer.text
    late = desk.client.post(f"{path}/answer", data={"token": token, "text": "An hour of <typing>"})
    assert late.status_code == 410 and "An hour of &lt;typing&gt;" in late.text
    desk.work()
    assert len(desk.messages(1)) == 1


def test_files_are_those_of_public_messages_of_this_request_only(desk: RequesterDesk) -> None:
    desk.receive(desk.mail(CAROL, "Re: Payslip", "x", reply_to="m2@mail.example.test"))
    base = desk.link(2, CAROL)
    desk.answer(base, "Here.", {"files": ("payslip.pdf", b"4,000", "application/pdf")})
    desk.work()
    theirs = desk.messages(2)[-1]
    assert desk.get(f"{base}/files/{theirs.id}/0").content == b"4,000"
    for place in (f"{theirs.id}/0", f"{theirs.id}/1", "999999/0", f"{2**70}/0", f"{theirs.id}/{2**70}"):
        assert desk.get(f"{desk.link(1)}/files/{place}").status_code == 404
    assert desk.get(f"{base}/files/{theirs.id}/7").status_code == 404
    with desk.store.database.transaction() as session:
        hidden = sa.update(messages).where(messages.c.id == theirs.id)
        session.execute(hidden.values(kind="note"))
    assert desk.get(f"{base}/files/{theirs.id}/0").status_code == 404


def test_who_only_looks_changes_nothing(desk: RequesterDesk) -> None:
    desk.reply(1, "Is it on fire?")
    base, entry = desk.link(1), status_links.entry_token(1, 0, desk.store.secret, desk.now)
    before = desk.everything()
    seen = {
        path: [desk.client.request(method, path).status_code for method in ("GET", "HEAD")]
        for path in (base, f"{base}?solved=1&sent=1", f"/api/v1{base}", "/my", "/my/asked", f"/my/open/{entry}")
    }
    for path in (f"{base}/answer", f"{base}/solved", "/my/ask", "/my/leave", "/my/void"):
        seen[path] = [desk.client.request(method, path).status_code for method in ("GET", "HEAD")]
    assert desk.everything() == before
    assert {status for both in seen.values() for status in both} <= {200, 404, 405}
    assert not desk.client.cookies


def test_other_sites_cannot_post_in_a_requesters_name(desk: RequesterDesk) -> None:
    base = desk.link(1)
    good, other = token_of(desk, base), token_of(desk, desk.link(2, CAROL))
    tries: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"token": other}, {}),
        ({"token": token_of(desk, "/my")}, {}),
        ({"token": good}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": good}, {"Sec-Fetch-Site": "same-site"}),
    ]
    for data, headers in tries:
        for verb in ("answer", "solved"):
            sent = desk.client.post(f"{base}/{verb}", data=data | {"text": "x"}, headers=headers)
            assert sent.status_code in (403, 422), (verb, data)
    desk.work()
    assert desk.kinds(1) == ["opened"]
    assert desk.client.post(f"{base}/answer", json={"text": "x"}).status_code == 415


def test_notes_side_conversations_and_others_machines_are_never_shown(desk: RequesterDesk) -> None:
    desk.note(1, "He is a nuisance.")
    bot = Actor(ActorKind.REQUESTER, desk.max.id, "robot@supplier.example.test")
    with desk.store.database.transaction() as session:
        for kind, side, text in (
            (MessageKind.SIDE, 7, "What do you charge?"),
            (MessageKind.REPLY, 7, "A reply aside"),
            (MessageKind.AUTOMATIC, None, "I am out of office"),
            (MessageKind.REPLY, None, "I have the same trouble"),
        ):
            one = Message(1, kind, True, bot, desk.now, author_address=bot.name, text=text, reply=text, side_id=side)
            tickets.add_message(session, one)
    page, told = desk.text(desk.link(1)), desk.text(f"/api/v1{desk.link(1)}")
    for text in (page, told):
        for hidden in ("nuisance", "charge", "aside", "out of office", "supplier.example.test", "alice@corp"):
            assert hidden not in text
        assert "I have the same trouble" in text
    assert "Somebody in copy" in page


def test_hostile_words_are_only_words(desk: RequesterDesk) -> None:
    evil = '<script>alert(1)</script> https://evil.test/"onmouseover=x javascript:alert(1) {{7*7}} {number}'
    desk.receive(desk.mail(f"=?utf-8?q?=3Cb=3EEve?= <{EVE}>", "<img src=x onerror=alert(1)> {title}", evil))
    page = desk.text(desk.link(3, EVE))
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page and "{{7*7}}" in page
    assert 'href="https://evil.test/"' in page and 'href="javascript' not in page


def test_an_erased_requesters_links_open_nothing(desk: RequesterDesk) -> None:
    path = desk.link(1)
    erasure.erase(desk.store, BOB, DESK, desk.now)
    assert desk.get(path).status_code == 404


def test_what_was_typed_survives_every_refusal(desk: RequesterDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    base, text = desk.link(1), "Something that took long to write"
    for wrong in ("", "x" * 32 + "." + "a" * 26):
        again = desk.client.post(f"{base}/answer", data={"token": wrong, "text": text}, files={"files": ("a", b"b")})
        assert again.status_code == 422 and text in again.text and "chosen again" in again.text
        assert f'action="{base}/answer"' in again.text
    assert desk.client.post(f"{base}/answer", data={"token": token_of(desk, base), "text": " \n"}).status_code == 422
    long = desk.client.post(f"{base}/answer", data={"token": token_of(desk, base), "text": "y" * 100_001})
    assert long.status_code == 422 and "y" * 100_001 in long.text

    many = [("files", (f"{n}.txt", b"x")) for n in range(11)]
    heavy = {"files": ("film.mp4", b"x" * 20_000_001)}
    for status, files in ((422, many), (413, heavy)):
        refused = desk.answer(base, text, files)
        assert refused.status_code == status and text in refused.text, status
    assert desk.answer(base, text, {"files": ("film.mp4", b"x" * 81_000_000)}).status_code == 413

    def down(*_: Any, **__: Any) -> Any:
        raise sa.exc.OperationalError("statement", {}, Exception("could not connect"))

    token = token_of(desk, base)
    with monkeypatch.context() as broken:
        broken.setattr(desk.store.database.engine, "connect", down)
        later = desk.client.post(f"{base}/answer", data={"token": token, "text": text})
        assert desk.get(base).status_code == 503
    assert later.status_code == 503 and text in later.text and later.headers["retry-after"] == "30"
    fresh = later.text.split('name="token" value="')[1].split('"')[0]
    assert desk.client.post(f"{base}/answer", data={"token": fresh, "text": text}).status_code == 303
    for _ in range(40):
        last = desk.answer(base, text)
    assert last.status_code == 429 and text in last.text and int(last.headers["retry-after"]) > 0
    desk.work()
    assert desk.messages(1)[-1].reply == text


def test_merged_requests_lead_on_and_show_only_what_was_theirs(desk: RequesterDesk) -> None:
    desk.reply(2, "Dear Carol, your salary is 4,000.")
    with desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(1, 2, desk.agent, desk.now))
    desk.work()
    desk.later(minutes=5)
    desk.reply(2, "To both: it is repaired.")
    page = desk.text(desk.link(1))
    assert "joined with this one" in page and "The printer smokes." in page and "To both: it is repaired." in page
    assert "Payslip" not in page and "4,000" not in page and "payslip is wrong" not in page and "/solved" not in page
    assert "4,000" in desk.text(desk.link(2, CAROL)) and "The printer smokes." in desk.text(desk.link(2, CAROL))
    desk.sign_in(BOB)
    listed = desk.text("/my")
    assert "Printer" in listed and "Payslip" not in listed and "Waiting for you" in listed
    desk.answer(desk.link(1), "Thanks, but it still smokes.")
    desk.work()
    assert desk.messages(2)[-1].reply == "Thanks, but it still smokes."
    assert "still smokes" in desk.text(desk.link(1))
    with desk.store.database.transaction() as session:
        session.execute(sa.text("DELETE FROM participants WHERE ticket_id = 2 AND address = :a"), {"a": BOB})
    assert "To both" not in desk.text(desk.link(1)), "who gets no copies any more reads none"


def test_a_message_that_was_split_off_is_seen_where_it_went(desk: RequesterDesk) -> None:
    desk.receive(desk.mail(BOB, "Re: Printer", "And my chair squeaks.", reply_to="m1@mail.example.test"))
    with desk.store.database.transaction() as session:
        made = conversation.split(session, desk.messages(1)[-1].id, desk.agent, desk.now)
    assert "chair" not in desk.text(desk.link(1)) and "chair" in desk.text(desk.link(made.id))


def test_a_link_made_void_opens_nothing(desk: RequesterDesk) -> None:
    path = desk.link(1)
    with desk.store.database.transaction() as session:
        bob = people.by_address(session, BOB)
        assert bob
        requester_sessions.revoke_links(session, bob.id)
    assert desk.get(path).status_code == 410 and "void" in desk.get(path).text
    assert desk.get(desk.link(1)).status_code == 200


def test_an_agents_mail_of_nothing_but_a_file_shows_no_word_of_the_notice_below_it(desk: RequesterDesk) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ALICE, desk.notice_address(desk.alice, 1), "Re: Printer"
    mail.set_content("\n\nOn Monday Support wrote:\n> Sue answered: nine secret Euro.\n")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="manual.pdf")
    desk.receive(desk.raw_mail(mail.as_bytes(), ALICE, [str(mail["To"])]))
    page = desk.text(desk.link(1))
    assert "manual.pdf" in page and "nine secret" not in page
