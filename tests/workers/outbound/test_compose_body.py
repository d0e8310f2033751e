"""Text and HTML of our mail: the same words, nothing that somebody smuggled in, and read back as it was meant."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.mail.inbound_request import Envelope
from gateway.email.html import text as html_text
from gateway.email.parse.normalise import normalise
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk, words
from tests.workers.mail_programs import PROGRAMS, html_of, reply
from tests.workers.outbound.test_compose import NOW, body, composed, letter
from workers.outbound.mime import compose

NEW = "Thank you, that works.\n\nBut what is with the second printer?"
PNG = {
    "name": "screen.png",
    "media_type": "image/png",
    "sha256": "x",
    "content_id": "image001.png@01DC",
    "inline": True,
}
_TAG = re.compile(r"<[^>]*>")
_OURS = re.compile(r"</?(?:!DOCTYPE html|html|head|meta|body|div|p|br|a|img|blockquote)(?: [^<>]*)?>")


@given(st.text(max_size=200) | st.text(alphabet="<>&\"' a=htp:/.[]-\n\t", max_size=200))
@example('<script>alert(1)</script> & "x" <img src=x onerror=1>')
@example('http://x.test/"onmouseover="alert(1) http://x.test/<b>')
@example("[image: screen.png] [cid:image001.png@01DC] [image: <b>]")
def test_no_words_become_a_tag(text: str) -> None:
    page = body(composed(letter(text=text, signature=text, quote={"attribution": text, "text": text})), "html")
    assert all(_OURS.fullmatch(tag) for tag in _TAG.findall(page)), page
    assert not re.search(r"\son\w+\s*=", "".join(re.sub(r'"[^"]*"', "", tag) for tag in _TAG.findall(page)))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\n"), max_size=300))
@example("a  b\n\n  indented\n\tand more")
@example("שלום\n\nHello")
def test_the_html_says_what_the_text_says(text: str) -> None:
    mail = composed(letter(text=text))
    shown = html_text.to_text(html_text.read(html_of(mail))[0])
    assert shown.split() == body(mail).split()


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://x.test/a?b=1&c=2.", ["https://x.test/a?b=1&amp;c=2"]),
        ("(https://x.test/wiki/A_(b)), https://y.test)", ["https://x.test/wiki/A_(b)", "https://y.test"]),
        ("javascript:alert(1) data:text/html,x www.x.test", []),
        ("<https://x.test/>", ["https://x.test/"]),
    ],
)
def test_web_addresses_are_links_and_nothing_else_is(text: str, links: list[str]) -> None:
    assert re.findall(r'<a href="([^"]*)">', body(composed(letter(text=text)), "html")) == links


def test_the_signature_stands_below_the_words_and_above_the_quote() -> None:
    quote = {"attribution": "On Monday, Bob wrote:", "text": "It burns.\n> deeper\n\nMore."}
    mail = composed(letter(text="Try again.", signature="Alice\nSupport", quote=quote))
    lines = "Try again.\n\n-- \nAlice\nSupport\n\nOn Monday, Bob wrote:\n> It burns.\n>> deeper\n>\n> More.\n"
    assert body(mail).replace("\r\n", "\n") == lines
    page = body(mail, "html")
    assert page.index("Try again.") < page.index("-- <br>") < page.index("<blockquote") < page.index("It burns.")
    assert 'class="gmail_quote" type="cite"' in page and page.count('<p dir="auto"') == 4


def test_pictures_stand_where_the_agent_put_them_and_files_are_attached() -> None:
    text = "Look:\n[cid:image001.png@01DC]\nand here.\n"
    files = [PNG, PNG | {"content_id": "other@x"}, {"name": "log.txt", "media_type": "text/plain", "sha256": "x"}]
    mail = composed(letter(text=text, signature="Alice", attachments=files))
    page = body(mail, "html")
    shown = re.findall(r'<img src="cid:([^"]+)" alt="([^"]+)"', page)
    inline = [part for part in mail.walk() if part["Content-ID"]]
    assert [f"<{cid}>" for cid, _ in shown] == [part["Content-ID"] for part in inline]
    assert [name for _, name in shown] == ["screen.png", "2-screen.png"] and len({cid for cid, _ in shown}) == 2
    assert page.index("Look:") < page.index(shown[0][0]) < page.index("and here.") < page.index(shown[1][0])
    assert page.index(shown[1][0]) < page.index("Alice") and "[image: screen.png]" in body(mail)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["log.txt"]
    assert mail.get_content_type() == "multipart/mixed" and inline[0].get_content() == b"bytes"


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/pdf", "image/png\r\nX: y"])
def test_what_is_no_plain_picture_is_a_file_even_if_it_says_that_it_is_inline(media_type: str) -> None:
    mail = composed(letter(attachments=[PNG | {"media_type": media_type}]))
    assert "<img" not in body(mail, "html") and len(list(mail.iter_attachments())) == 1


def test_every_line_is_of_seven_bits_and_short_enough() -> None:
    data = compose.compose(letter(text="ü" * 3000 + "\n" + "x" * 3000), lambda name: None, NOW)
    assert data.isascii() and max(map(len, data.split(b"\r\n"))) <= 998


@pytest.fixture
def answered(desk: SmallDesk) -> EmailMessage:
    """Our reply with signature and quote, as the requester's program has it."""
    with desk.store.database.transaction() as session:
        from storage.people import people

        people.add_mailbox(
            session, SUPPORT, "Support", 1, signature="{agent}\nThe support team, https://desk.example.test"
        )
    desk.receive(desk.mail(f"Bob <{BOB}>", "Printer", "Both printers are on fire, please help.\n\nBob\n"))
    desk.receive(desk.mail(ALICE, "Re", "Please try again now.\n\nIt is out.", to=desk.notice_address(desk.alice, 1)))
    return desk.sent("reply", BOB)[0]


@pytest.mark.parametrize("form", ["text", "html", "both"])
@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_an_answer_to_our_mail_is_exactly_its_new_words(answered: EmailMessage, program: str, form: str) -> None:
    mail = reply(answered, program, NEW, form, f"Bob <{BOB}>")
    request = normalise(mail.as_bytes(), Envelope(BOB, (SUPPORT,), "127.0.0.1"), SUPPORT, NOW).request
    assert request.reply == NEW
    cut = "\n".join(part.text for part in request.cut)
    assert all(line in cut for line in ("Please try again now.", "The support team", "printers are on fire"))


def test_our_own_mail_reads_back_as_the_agents_words(answered: EmailMessage) -> None:
    request = normalise(answered.as_bytes(), Envelope(SUPPORT, (BOB,), "127.0.0.1"), "x", NOW).request
    assert request.reply == "Please try again now.\n\nIt is out."
    assert {part.reason for part in request.cut} == {"signature", "quote"}
    shown = html_text.to_text(html_text.read(html_of(answered))[0])
    assert shown.replace(">", "").split() == words(answered).replace(">", "").split()
