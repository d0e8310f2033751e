"""The reply in a mail's text: quotes of many programs and languages go, a person's words stay."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.reply_text import split

_ATTRIBUTIONS = {
    "en": "On Tue, Mar 3, 2026 at 9:41 AM Kim Park <kim@example.org> wrote:",
    "en, three lines": "On Tue, Mar 3, 2026 at 9:41 AM Kim Park\n<kim@example.org>\nwrote:",
    "en, name first": "Kim Park <kim@example.org> wrote on 3 Mar 2026 9:41:",
    "de": "Am Di., 3. März 2026 um 09:41 Uhr schrieb Kim Park <kim@example.org>:",
    "de, name first": "Kim Park schrieb am 03.03.2026 um 09:41:",
    "fr": "Le mar. 3 mars 2026 à 09:41, Kim Park <kim@example.org> a écrit :",
    "es": "El mar, 3 mar 2026 a las 9:41, Kim Park (<kim@example.org>) escribió:",
    "pt": "Em ter., 3 de mar. de 2026 às 09:41, Kim Park <kim@example.org> escreveu:",
    "it": "Il giorno mar 3 mar 2026 alle ore 09:41 Kim Park <kim@example.org> ha scritto:",
    "nl": "Op di 3 mrt 2026 om 09:41 schreef Kim Park <kim@example.org>:",
    "nl, apart": "Op 3 mrt. 2026, om 09:41 heeft Kim Park <kim@example.org> het volgende geschreven:",
    "sv": "Den tis 3 mars 2026 kl 09:41 skrev Kim Park <kim@example.org>:",
    "da": "Den tirs. 3. mar. 2026 kl. 09.41 skrev Kim Park <kim@example.org>:",
    "no": "tir. 3. mars 2026 kl. 09:41 skrev Kim Park <kim@example.org>:",
    "fi": "ti 3. maalisk. 2026 klo 9.41 Kim Park (kim@example.org) kirjoitti:",
    "pl": "wt., 3 mar 2026 o 09:41 Kim Park <kim@example.org> napisał(a):",
    "cs": "út 3. 3. 2026 v 9:41 odesílatel Kim Park <kim@example.org> napsal:",
    "sk": "ut 3. 3. 2026 o 9:41 Kim Park <kim@example.org> napísal(a):",
    "hu": "Kim Park <kim@example.org> ezt írta (időpont: 2026. márc. 3., K, 9:41):",
    "ro": "mar., 3 mar. 2026 la 09:41, Kim Park <kim@example.org> a scris:",
    "tr": "Kim Park <kim@example.org>, 3 Mar 2026 Sal, 09:41 tarihinde şunu yazdı:",
    "el": "Στις Τρί 3 Μαρ 2026 στις 9:41 π.μ., ο/η Kim Park <kim@example.org> έγραψε:",
    "ru": "вт, 3 мар. 2026 г. в 09:41, Kim Park <kim@example.org>:",
    "ru, verb": "03.03.2026 09:41, Kim Park пишет:",
    "uk": "вт, 3 бер. 2026 р. о 09:41 Kim Park <kim@example.org> пише:",
    "he": "\u202bבתאריך יום ג׳, 3 במרץ 2026 ב-9:41 מאת Kim\u200f <kim@example.org\u200f>:\u202c",
    "ar": "في الثلاثاء، 3 مارس 2026 في 9:41 ص تمت كتابة ما يلي بواسطة Kim <kim@example.org>:",
    "th": "ในวันที่ อ. 3 มี.ค. 2026 เวลา 09:41 Kim <kim@example.org> เขียนว่า:",
    "vi": "Vào Th 3, 3 thg 3, 2026 vào lúc 09:41 Kim Park <kim@example.org> đã viết:",
    "zh": "Kim <kim@example.org> 于2026年3月3日周二 09:41写道：",
    "ja": "2026年3月3日(火) 9:41 Kim <kim@example.org>:",
    "ko": "2026년 3월 3일 (화) 오전 9:41, Kim <kim@example.org>님이 작성:",
}
_BLOCKS = {
    "en": "From: Kim <kim@example.org>\nSent: Tuesday\nTo: me\nSubject: x",
    "bold": "*From:* Kim [mailto:kim@example.org]\n*Sent:* Tuesday\n*To:* me\n*Subject:* x",
    "de": "Von: Kim <kim@example.org>\nGesendet: Dienstag\nAn: mich\nBetreff: x",
    "fr": "De : Kim <kim@example.org>\nEnvoyé : mardi\nÀ : moi\nObjet : x",
    "es": "De: Kim <kim@example.org>\nEnviado: martes\nPara: yo\nAsunto: x",
    "it": "Da: Kim <kim@example.org>\nInviato: martedì\nA: me\nOggetto: x",
    "pl": "Od: Kim <kim@example.org>\nWysłano: wtorek\nDo: ja\nTemat: x",
    "ru": "От: Kim <kim@example.org>\nОтправлено: вторник\nКому: я\nТема: x",
    "zh": "发件人: Kim <kim@example.org>\n发送时间: 2026年3月3日\n收件人: 我\n主题: x",
    "ja": "差出人: Kim <kim@example.org>\n送信日時: 2026年3月3日\n宛先: 私\n件名: x",
}


@pytest.mark.parametrize("attribution", _ATTRIBUTIONS.values(), ids=_ATTRIBUTIONS.keys())
def test_a_quote_goes_with_the_line_above_it_in_any_language(attribution: str) -> None:
    reply, cuts = split(f"It works now.\n\n{attribution}\n\n> old words\n> more\n")
    assert reply == "It works now."
    assert [cut.reason for cut in cuts] == ["quote"]
    assert "old words" in cuts[0].text


@pytest.mark.parametrize("block", _BLOCKS.values(), ids=_BLOCKS.keys())
def test_everything_below_an_embedded_header_goes(block: str) -> None:
    assert split(f"It works now.\n\n________________________________\n{block}\n\nold words\n")[0] == "It works now."


@pytest.mark.parametrize(
    "line",
    ["Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "Enviado desde mi iPhone",
     "Skickat från min iPhone", "Отправлено с iPhone", "发自我的iPhone", "iPhoneから送信", "나의 iPhone에서 보냄"],
)  # fmt: skip
def test_what_a_phone_adds_goes(line: str) -> None:
    reply, cuts = split(f"It works now.\n\n{line}\n")
    assert reply == "It works now."
    assert [cut.reason for cut in cuts] == ["signature"]


def test_a_sentence_that_begins_like_a_phones_line_stays() -> None:
    text = "Please look.\n\nSent from my desk, which is easier than from the phone."
    assert split(text)[0] == text


def test_a_signature_below_its_mark_goes() -> None:
    reply, cuts = split("It works now.\n\n-- \nAnn Example\nExample Ltd\n")
    assert reply == "It works now."
    assert cuts[0].reason == "signature"


def test_a_block_of_contacts_goes_but_not_one_that_was_announced() -> None:
    block = "Ann Example\nann@example.com\n+49 30 1234567\nwww.example.com"
    assert split(f"It works now.\n\n{block}")[0] == "It works now."
    assert "1234567" in split(f"My new details are:\n\n{block}")[0]


def test_a_mailing_lists_footer_goes() -> None:
    text = "It works now.\n\n____________________\nx mailing list\nhttps://x.example/listinfo"
    reply, cuts = split(text)
    assert reply == "It works now."
    assert cuts[0].reason == "footer"


def test_answers_between_quotes_stay() -> None:
    reply, _ = split("On 3 Mar 2026 9:41, Kim wrote:\n> one?\n\nanswer one\n\n> two?\n\nanswer two\n")
    assert reply == "> one?\n\nanswer one\n\n> two?\n\nanswer two"


def test_an_answer_below_the_quote_stays() -> None:
    assert split("On 3 Mar 2026 9:41, Kim wrote:\n\n> one?\n> two?\n\nBoth work.\n")[0] == "Both work."


def test_a_forwarded_mail_stays_whole() -> None:
    text = "Please help him.\n\n---------- Forwarded message ---------\nFrom: Bob <b@example.org>\nSubject: x\n\nHelp"
    assert split(text)[0] == text


def test_fenced_code_stays_whatever_it_looks_like() -> None:
    text = "See:\n\n```\n> prompt\nFrom: a@example.com\nSubject: x\n-- \n```\nthanks"
    assert split(text)[0] == text


def test_lines_that_were_sent_before_are_quotes_without_any_mark() -> None:
    sent = ["Have you tried to turn it off?", "Yours, the desk of Example"]
    reply, cuts = split("Yes.\n\nHave you  tried to turn it off?\nYours, the desk of Example\n", sent)
    assert reply == "Yes."
    assert cuts[0].reason == "quote"


def test_the_reply_is_never_empty_if_there_was_text() -> None:
    for text in ("> all is quoted\n> here", "-- \nonly this", "Sent from my iPhone", "-----Original Message-----\nx"):
        assert split(text)[0].strip()


def test_a_trip_is_no_header_block() -> None:
    text = "My flight\nFrom: London\nTo: Paris\nDate: 3 May 2026\nwas cancelled."
    assert split(text) == (text, ())


def test_a_filled_in_form_is_no_header_block() -> None:
    text = "New message from the site\n\nName: Bob\nFrom: bob@example.org\nSubject: Help\nPhone: 123\n\nIt burns."
    assert split(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    ["Choose one:\n\nThe first is cheap.\n--\nThe second is good.",
     "As you wrote on 3 May 2026 at 10:12:\nthis is wrong.",
     "It fails:\n2026-03-03 10:12:13 login of a@example.org failed:\nno such user", "| a | b |\n| 1 | 2 |",
     "The list says\nOn call: Ann\nOff: Bob", "I am on it\n\nBest regards,\nAnn",
     "My parcel was\nSent from Berlin on Monday\nand has not arrived.",
     "1. Januar 2026 10:00 geht nicht, sondern dort:\nhier",
     "Hallo,\n\nVon meinem Konto wurde zweimal abgebucht.", "Hallo,\n\nOutlook für iOS stürzt ab.",
     "困っています\n\niPhoneから送信できません。", "你好\n\n发自内心地感谢你们", "你好\n\n从我的电脑上无法打印",
     "Bonjour,\n\nOutlook pour iOS ne marche plus", "안녕하세요\n\niOS용 Outlook이 안 열립니다",
     "Merhaba\n\niOS için Outlook açılmıyor", "I wrote to Kim <kim@example.org> on 3 March 2026 at 10:00:\nno answer"],
)  # fmt: skip
def test_a_persons_own_words_stay(text: str) -> None:
    assert split(text) == (text, ())


def test_our_marker_line_cuts_and_a_reply_on_the_line_of_the_quote_stays() -> None:
    assert split("Yes\n\n##- Please type your reply above this line -##\nold")[0] == "Yes"
    assert split("ok On Tue, Mar 3, 2026 at 9:41 AM, kim@example.org wrote:\n> old")[0] == "ok"


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_words_are_kept_somewhere(text: str) -> None:
    reply, cuts = split(text)
    assert bool(reply.strip()) == bool(text.strip())
    kept = reply + "".join(cut.text for cut in cuts)
    assert sorted("".join(kept.split())) == sorted("".join(text.split()))


_PIECES = [
    "On Tue, Mar 3, 2026 at 9:41 AM Kim <k@x> wrote:", "> q", "", "-- ", "words", "From: a@b", "Subject: x", "```",
    "Sent from my iPhone", "-----", "-----Original Message-----", "wrote:",
    "---------- Forwarded message ---------", "* :", "_ _", "于 :", ": : :", "> wrote:", "\u202b:", "Von:",
    "1.1.2026 9:41 k@x:",
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=30))
def test_no_order_of_lines_loses_words(lines: list[str]) -> None:
    text = "\n".join(lines)
    reply, cuts = split(text)
    assert bool(reply.strip()) == bool(text.strip())
    kept = reply + "".join(cut.text for cut in cuts)
    assert sorted("".join(kept.split())) == sorted("".join(text.split()))


def test_time_grows_only_with_the_length() -> None:
    started = time.process_time()
    split("On Tue, Mar 3, 2026 at 9:41 AM Kim said\nand wrote\n" * 20_000)
    assert time.process_time() - started < 3
