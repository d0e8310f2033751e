"""Files of an answer: sent with its form or uploaded before, kept with the draft, and only those that were uploaded."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from console.tickets import uploads
from console.web.request_context import Desk
from desk.mail.stored_file import StoredFile
from storage.operations import blob_gc
from storage.tickets import drafts
from tests.console.conftest import START, Browser, Console, csrf
from usecases.agents import scheduled_replies

PDF = ("invoice.pdf", b"%PDF-1.4 invoice", "application/pdf")
NOTES = ("notes.txt", "Grüße".encode(), "text/plain")


def upload(browser: Browser, *files: tuple[str, bytes, str], token: str = "") -> Any:
    data = {"csrf": token or csrf(browser.get("/tickets").text)}
    return browser.client.post("/uploads", data=data, files=[("upload", file) for file in files])


def tokens(browser: Browser, *files: tuple[str, bytes, str]) -> dict[str, str]:
    stored = upload(browser, *files).json()["files"]
    return {f"file-{place}": file["token"] for place, file in enumerate(stored)}


def attachments(console: Console) -> list[tuple[str, str, int]]:
    return [(file.name, file.media_type, file.size) for file in console.messages()[-1].attachments]


def test_an_uploaded_file_leaves_with_the_reply_and_with_a_note(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    for kind in ("reply", "note"):
        files = tokens(alice, PDF, NOTES)
        sent = alice.act(number, "reply", kind=kind, text=f"See the {kind}.", later="tomorrow", **files)
        assert sent.status_code == 303
        if kind == "note":
            assert attachments(console) == [
                ("invoice.pdf", "application/pdf", 16), ("notes.txt", "text/plain", 7)
            ]  # fmt: skip
    with console.store.database.reading() as session:
        (waiting,) = scheduled_replies.scheduled_of_ticket(session, number)
    assert [file.name for file in waiting.answer.files] == ["invoice.pdf", "notes.txt"]


def test_a_file_comes_with_the_form_where_no_script_runs(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    data = alice.page(number) | {"kind": "note", "text": "Attached."}
    answer = alice.client.post(f"/tickets/{number}/reply", data=data, files=[("upload", PDF)], follow_redirects=False)
    assert answer.status_code == 303
    assert attachments(console) == [("invoice.pdf", "application/pdf", 16)]


def test_a_file_needs_no_words_and_no_file_and_no_words_is_refused(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert alice.act(number, "reply", kind="note", text="", **tokens(alice, PDF)).status_code == 303
    assert alice.act(number, "reply", kind="note", text="").status_code == 422


def test_files_outlive_a_refused_form_and_a_draft(console: Console, alice: Browser, bob: Browser) -> None:
    number, files = console.things.ticket, tokens(alice, PDF)
    refused = alice.act(number, "reply", kind="reply", text="x" * 200_001, **files)
    assert refused.status_code == 422 and files["file-0"] in html.unescape(refused.text)
    alice.act(number, "draft", kind="reply", text="Dear", **files)
    assert files["file-0"] in alice.get(f"/tickets/{number}").text
    assert files["file-0"] not in bob.get(f"/tickets/{number}").text
    with console.store.database.reading() as session:
        draft = drafts.get(session, number, console.things.alice)
        assert draft and blob_gc.unreferenced(session, [draft.files[0].sha256]) == {}


def test_undo_send_gives_the_files_back(console: Console, alice: Browser) -> None:
    number, files = console.things.ticket, tokens(alice, PDF)
    alice.act(number, "reply", kind="reply", text="Here it is.", later="tomorrow", **files)
    waiting = re.search(r'name="waiting" value="(\d+)"', alice.get(f"/tickets/{number}").text)
    assert waiting and alice.act(number, "undo-send", waiting=waiting[1]).status_code == 303
    assert files["file-0"] in alice.get(f"/tickets/{number}").text


def test_a_conflict_carries_the_files(console: Console, alice: Browser, bob: Browser) -> None:
    number, files = console.things.ticket, tokens(alice, PDF)
    page = alice.page(number)
    bob.act(number, "reply", kind="note", text="Mine first.")
    conflict = alice.act(number, "reply", page, kind="note", text="Mine.", **files)
    assert conflict.status_code == 409 and files["file-0"] in html.unescape(conflict.text)


def test_the_same_words_with_another_file_are_another_message(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    for files in (tokens(alice, PDF), tokens(alice, NOTES), tokens(alice, NOTES)):
        alice.act(number, "reply", kind="note", text="See attachment.", **files)
    assert [m.attachments[0].name for m in console.messages() if m.text == "See attachment."] == [
        "invoice.pdf", "notes.txt"
    ]  # fmt: skip


@pytest.mark.parametrize("change", [lambda t: t[:-1] + "0", lambda t: "x" + t, lambda t: "e30=.", lambda t: "\u2028."])
def test_a_file_that_was_never_uploaded_is_refused(console: Console, alice: Browser, change: Any) -> None:
    forged = change(tokens(alice, PDF)["file-0"])
    answer = alice.act(console.things.ticket, "reply", kind="note", text="Hi", **{"file-0": forged})
    assert answer.status_code == 422 and "attach it again" in answer.text


def test_more_bytes_than_a_mail_has_are_refused(console: Console, alice: Browser) -> None:
    desk = Desk(console.store, console.store.settings, lambda: START)
    half = StoredFile("big.bin", "", uploads.most_bytes(desk) // 2 + 1, "0" * 64)
    files = {f"file-{place}": uploads.token(desk, half) for place in range(2)}
    answer = alice.act(console.things.ticket, "reply", kind="note", text="Hi", **files)
    assert answer.status_code == 422 and "MB together" in answer.text


def test_nobody_uploads_without_a_session_a_token_and_the_permission(alice: Browser, stranger: Browser) -> None:
    assert upload(alice, PDF, token="forged").status_code == 403
    stranger.sign_in("rita")
    assert upload(stranger, PDF).status_code == 403
    token = csrf(alice.get("/tickets").text)
    alice.client.cookies.clear()
    assert upload(alice, PDF, token=token).url.path == "/login"
