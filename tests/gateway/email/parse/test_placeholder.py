"""A text part that only says that there is HTML does not replace the words of the HTML."""

from __future__ import annotations

import pytest

from tests.gateway.email.mails import multipart, read

WORDS = "<p>The lift is stuck on floor 2 and two people are in it.</p>"


def alternatives(text: str, markup: str = WORDS) -> bytes:
    plain, html = "Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"
    return multipart("alternative", f"{plain}\r\n\r\n{text}\r\n", f"{html}\r\n\r\n{markup}\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "Your email client does not support HTML messages. Please use a client that does.",
        "This message requires HTML.",
        "This is an HTML message. Please use an HTML capable mail program.",
        "To view the message, please use an HTML compatible email viewer!",
        "Your mail client doesn't support HTML e-mail.",
        "Please enable HTML to read this e-mail.",
        "This is a multi-part message in MIME format.",
        "If you cannot see this email, view it in your browser: https://shop.example/m/1",
        "Plain text version is not available.",
        "Ihr E-Mail-Programm unterstützt leider kein HTML.",
        "Diese Nachricht wurde im HTML-Format gesendet.",
        "Votre messagerie ne prend pas en charge le HTML.",
        "Ce message est au format HTML.",
        "Su cliente de correo no soporta HTML.",
        "Il tuo client di posta non supporta HTML.",
        "Seu programa de e-mail não suporta HTML.",
        "Uw e-mailprogramma ondersteunt geen HTML.",
        "Twój program pocztowy nie obsługuje HTML.",
        "Ваша почтовая программа не поддерживает HTML.",
        "このメールはHTML形式です。",
        "您的邮件客户端不支持HTML。",
        "&nbsp;",
        "\u00a0 \u200b",
        ".",
        "--",
        "[image: logo.png]",
        "[cid:image001.png@01D]",
        "<https://shop.example/logo.png>",
    ],
)
def test_a_placeholder_gives_way_to_the_words_of_the_html(text: str) -> None:
    request = read(alternatives(text))
    assert "stuck on floor 2" in request.text and "stuck on floor 2" in request.reply
    assert "HTML" not in request.text


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("The lift is stuck.", "<p>The lift is <b>stuck</b>.</p>"),
        ("Your newsletter does not support HTML, why?", "<p>Your newsletter does not support HTML, why?</p>"),
        ("Please call me.", "<p>&nbsp;</p>"),
        ("Please call me.", '<img src="cid:one">'),
        ("See the attached form.", "<p>See the attached form.</p><p>Sent by mobile</p>"),
        ("Ok", "<div>Ok</div><blockquote>The program does not support HTML</blockquote>"),
    ],
)
def test_a_text_of_somebodys_own_stays(text: str, markup: str) -> None:
    assert read(alternatives(text, markup)).text.strip() == text


def test_a_long_text_stays_whatever_it_says_of_html() -> None:
    text = "Your desk does not support HTML. " + "Here is what I see on my screen today. " * 30
    assert read(alternatives(text)).text.startswith("Your desk does not support HTML.")


def test_a_placeholder_stays_where_there_is_nothing_else() -> None:
    assert "requires HTML" in read(alternatives("This message requires HTML.", "<p> </p>")).text
