"""The mail reader on ordinary and odd mail: fields, text, files, thread keys, identity."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from desk.channels import Channel
from desk.mail.inbound_request import AutoKind, Envelope, from_json, to_json
from tests.gateway.email.mails import ENVELOPE, HEADER, b64, mail, multipart, read, read_whole


def test_a_plain_mail_becomes_a_request_with_all_its_fields() -> None:
    request = read(mail("Hello,\r\nit burns.\r\n", "Cc: Bob <BOB@example.com>", "Reply-To: ann2@example.com"))
    assert request.channel is Channel.EMAIL
    assert request.sender.address == "ann@example.com"
    assert request.sender.name == "Ann Example"
    assert request.sender_strict
    assert request.subject == "Printer"
    assert request.text.strip() == request.reply == "Hello,\nit burns."
    assert [party.address for party in request.cc] == ["bob@example.com"]
    assert [party.address for party in request.reply_to] == ["ann2@example.com"]
    assert request.sent_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert request.external_id == request.thread.message_id == "one@example.com"
    assert request.auto is AutoKind.NONE
    assert request.raw == ""
    assert from_json(to_json(request)) == request


def test_utf8_is_believed_against_the_declared_charset() -> None:
    assert read(mail("Grüße".encode(), "Content-Type: text/plain; charset=iso-8859-1")).text == "Grüße"


def test_unknown_and_misspelt_charsets_still_give_text() -> None:
    for name in ("x-unknown", "none", "uft-8", "unicode-1-1-utf-7", "idna", "unicode_escape", "\x01"):
        assert "Hello" in read(mail("Hello", f"Content-Type: text/plain; charset={name}")).text


def test_raw_bytes_in_the_header_are_guessed() -> None:
    request = read(mail("x", without="Subject").replace(b"To:", "Subject: Größe\r\nTo:".encode("cp1252"), 1))
    assert request.subject == "Größe"


def test_encoded_words_are_joined_and_broken_ones_do_not_hurt() -> None:
    raw = mail("x", "Subject: =?utf-8?q?caf=C3?= =?utf-8?q?=A9?= =?utf-8?b?4pyT?= =?bad?x?y?=", without="Subject")
    assert read(raw).subject == "café✓ =?bad?x?y?="


def test_broken_base64_is_decoded_as_far_as_it_goes() -> None:
    raw = mail(b64(b"Hello world, this is long enough")[:-6], "Content-Transfer-Encoding: base64")
    assert read(raw).text.startswith("Hello world")


def test_a_body_wrongly_called_base64_is_shown_as_it_stands() -> None:
    assert "not base64" in read(mail("this is !!! not base64", "Content-Transfer-Encoding: base64")).text


def test_flowed_lines_are_joined_within_their_quote_depth() -> None:
    body = "This goes \r\non here.\r\n>> old \r\n>> words\r\n>> \r\nnew\r\n-- \r\nAnn"
    request = read(mail(body, "Content-Type: text/plain; format=flowed"))
    assert request.text == "This goes on here.\n>> old words\n>> \nnew\n-- \nAnn"


def test_html_alone_becomes_text_and_safe_html() -> None:
    html = (
        "<style>p{}</style><p onclick=x()>Hello <b>world</b><br>line&nbsp;2</p><script>x()</script>"
        '<a href="https://example.com">link</a><img src="http://t.example/p.gif"><img src="cid:a@b">'
    )
    request = read(mail(html, "Content-Type: text/html; charset=utf-8"))
    assert request.text.replace("\xa0", " ").startswith("Hello world\nline 2")
    assert "<b>world</b>" in request.html
    assert 'href="https://example.com"' in request.html
    assert 'src="cid:a@b"' in request.html
    assert '<img data-elsewhere="http://t.example/p.gif">' in request.html
    for gone in ("script", "onclick", "style", 'src="http'):
        assert gone not in request.html


@pytest.mark.parametrize(
    ("image", "kept"),
    [
        (
            '<img alt="a &lt;img src=&quot;x" src=" HTTPS://T.example/a b?x=1&amp;y=2 ">',
            'HTTPS://T.example/a%20b?x=1&amp;y=2"',
        ),
        ('<img src="ht\ntp://t.example/a.gif" width=1>', '<img data-elsewhere="http://t.example/a.gif" width="1">'),
        ('<img src="//t.example/a.gif">', "<img>"),
        ('<img src="javascript:alert(1)">', "<img>"),
        ('<img src="data:image/png;base64,AAAA">', "<img>"),
        ('<img src="http://user:word@t.example/">', "<img>"),
        ('<img src="file:///etc/passwd">', "<img>"),
        ('<img src="elsewhere:http://t.example/">', "<img>"),
        ('<img data-elsewhere="javascript:alert(1)">', "<img>"),
        ('<img srcset="http://t.example/a.gif 2x">', "<img>"),
        (
            '<p style="background:url(http://t.example/)">x</p><table background="http://t.example/"></table>',
            "<p>x</p>",
        ),
        (f'<img src="http://t.example/{"a" * 2000}">', "<img>"),
    ],
)
def test_a_picture_from_elsewhere_keeps_its_address_where_nothing_loads_it(image: str, kept: str) -> None:
    request = read(mail(f'x <b>src="elsewhere:</b> {image}', "Content-Type: text/html; charset=utf-8"))
    assert kept in request.html and '<b>src="elsewhere:</b>' in request.html
    assert " src=" not in request.html.replace("<b>src=", "").replace("img src=&quot;x", "")
    if "data-elsewhere" not in kept and "HTTPS" not in kept:
        assert "t.example" not in request.html and "data-elsewhere" not in request.html


def test_the_plain_alternative_is_the_text_and_the_inline_image_a_file() -> None:
    request = read(
        multipart(
            "alternative",
            "Content-Type: text/plain\r\n\r\nplain words",
            "Content-Type: multipart/related; boundary=c\r\n\r\n--c\r\nContent-Type: text/html\r\n\r\n"
            "<p>rich words <img src='cid:i1'></p>\r\n--c\r\nContent-Type: image/png; name=i.png\r\n"
            f"Content-ID: <i1>\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64(b'png')}--c--",
        )
    )
    assert request.text == "plain words"
    assert "rich words" in request.html
    (image,) = request.attachments
    assert (image.name, image.media_type, image.content_id, image.inline, image.size) == (
        "i.png", "image/png", "i1", True, 3,
    )  # fmt: skip


def test_files_come_with_their_bytes_and_clean_names() -> None:
    done = read_whole(
        multipart(
            "mixed",
            "\r\nsee the files",
            "Content-Type: application/pdf\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''..%2F%C3%A4;"
            f"\r\n filename*1*=%0D%0A.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{b64(b'%PDF')}",
            'Content-Type: application/ms-tnef; name="C:\\temp\\winmail.dat"\r\n\r\ntnef',
            "Content-Type: message/rfc822\r\n\r\nSubject: The inner one\r\n\r\ninner",
        )
    )
    assert [file.name for file in done.request.attachments] == ["ä .pdf", "winmail.dat", "The inner one.eml"]
    assert dict(done.files)[hashlib.sha256(b"%PDF").hexdigest()] == b"%PDF"
    assert {digest for digest, _ in done.files} == {file.sha256 for file in done.request.attachments}


@pytest.mark.parametrize("encoding", ["x-uuencode", "uuencode", "UUE"])
def test_a_file_whose_part_is_declared_uuencoded_is_decoded(encoding: str) -> None:
    part = f"Content-Transfer-Encoding: {encoding}\r\nContent-Disposition: attachment; filename=a.txt\r\n"
    request = read(
        mail(
            f"--b\r\n{part}\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n--b--",
            "Content-Type: multipart/mixed; boundary=b",
        )
    )
    assert [(file.name, file.size) for file in request.attachments] == [("a.txt", 3)]


def test_uuencoded_lines_in_a_text_stay_text() -> None:
    request = read(mail("see\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nthanks\r\n"))
    assert not request.attachments
    assert "#0V%T" in request.text and "thanks" in request.text


def test_nul_bytes_never_reach_the_text() -> None:
    assert "\x00" not in to_json(read(mail(b"a\x00b", "X-Y: z", "Subject: a\x00b", without="Subject")))


def test_the_same_mail_by_two_ways_has_one_hash() -> None:
    by_smtp = b"Received: from a by b\r\nDelivered-To: x@desk.example\r\n" + mail("Hello\r\n\r\n")
    by_imap = b"Return-Path: <ann@example.com>\nX-Spam: no\n" + mail("Hello\r\n").replace(b"\r\n", b"\n")
    hashes = {read(raw).content_hash for raw in (mail("Hello\r\n"), by_smtp, by_imap)}
    assert len(hashes) == 1


def test_another_body_or_author_has_another_hash() -> None:
    other = mail("Hello").replace(b"ann@", b"eve@")
    assert len({read(raw).content_hash for raw in (mail("Hello"), mail("Hello!"), other)}) == 3


def test_thread_keys_survive_the_quirks_of_mail_programs() -> None:
    keys = read(
        mail(
            "x",
            "In-Reply-To: Your message of Monday",
            "References: <a@x>,<b@x><c\r\n @x> =?utf-8?q?=3Cd=40x=3E?=",
            "Delivered-To: support+t1@desk.example",
            "X-Original-To: SUPPORT@desk.example",
        )
    ).thread
    assert keys.in_reply_to == ()
    assert keys.references == ("a@x", "b@x", "c@x", "d@x")
    assert keys.delivered_to == ("support+t1@desk.example", "support@desk.example")


def test_authentication_results_are_kept_topmost_first_and_unfolded() -> None:
    raw = mail("x", "Authentication-Results: mx.one;\r\n spf=pass", "Authentication-Results: mx.two; dkim=fail")
    assert read(raw).authentication == ("mx.one; spf=pass", "mx.two; dkim=fail")


def test_a_null_envelope_sender_marks_an_automatic_mail() -> None:
    assert read(mail("I am away"), Envelope("", ENVELOPE.rcpt_to, "192.0.2.7")).auto is AutoKind.NOTICE
    assert read(mail("I am here"), Envelope()).auto is AutoKind.NONE
    assert read(mail("I was fetched"), Envelope("", ENVELOPE.rcpt_to)).auto is AutoKind.NONE


def test_the_original_sender_of_an_inline_forward_is_found() -> None:
    body = "FYI\n\n---------- Forwarded message ---------\nFrom: Bob B <bob@example.org>\nSubject: x\n\nhelp"
    request = read(mail(body))
    assert request.forwarded is not None
    assert (request.forwarded.address, request.forwarded.name) == ("bob@example.org", "Bob B")
    assert "help" in request.reply


def test_a_german_forward_by_outlook_is_kept_whole() -> None:
    body = "Bitte übernehmen\n\nVon: Bob <bob@example.org>\nGesendet: Montag\nAn: Ann\nBetreff: x\n\nHilfe"
    request = read(mail(body, "Subject: WG: x", without="Subject"))
    assert request.forwarded is not None
    assert request.forwarded.address == "bob@example.org"
    assert "Hilfe" in request.reply


def test_the_sender_of_a_single_attached_mail_is_the_forwarded_one() -> None:
    request = read(
        multipart("mixed", "\r\nsee below", "Content-Type: message/rfc822\r\n\r\nFrom: bob@example.org\r\n\r\nhelp")
    )
    assert request.forwarded is not None
    assert request.forwarded.address == "bob@example.org"


def test_an_answer_keeps_only_the_new_words_and_says_what_was_cut() -> None:
    request = read(mail("Works!\r\n\r\nOn Mon, Mar 2, 2026 at 9:00 AM, Desk <s@desk.example> wrote:\r\n> Try it\r\n"))
    assert request.reply == "Works!"
    assert [cut.reason for cut in request.cut] == ["quote"]
    assert "Try it" in request.cut[0].text


def test_the_quote_of_gmail_in_html_is_cut() -> None:
    html = (
        '<div dir="ltr">Works!</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, Mar 2, 2026 at 9:00'
        ' AM Desk &lt;s@desk.example&gt; wrote:<br></div><blockquote class="gmail_quote">Try it</blockquote></div>'
    )
    assert read(mail(html, "Content-Type: text/html")).reply == "Works!"


def test_the_header_block_of_outlook_in_html_is_cut_by_its_mark() -> None:
    html = '<p>Works!</p><hr><div id="divRplyFwdMsg"><b>Xxx:</b> Desk<br><b>Yyy:</b> 2026</div><div>Try it</div>'
    assert read(mail(html, "Content-Type: text/html")).reply == "Works!"


def test_header_lines_without_a_colon_do_not_end_the_header() -> None:
    request = read(HEADER.encode().replace(b"To:", b"junk line\r\nTo:", 1) + b"\r\nbody")
    assert request.to[0].address == "support@desk.example"


def test_a_part_without_an_empty_line_keeps_its_words() -> None:
    assert "words" in read(multipart("mixed", "words without a header")).text
