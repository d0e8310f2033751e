"""Automatic mail is told from a person's by the signs of RFC 3834 and by subjects in many languages."""

from __future__ import annotations

import pytest

from desk.mail.automatic import Judgement, Signs, judge
from desk.mail.inbound_request import AutoKind


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("auto-submitted", "auto-replied", AutoKind.REPLY),
        ("auto-submitted", 'Auto-Notified; owner-email="x@y"', AutoKind.NOTICE),
        ("x-autoreply", "yes", AutoKind.REPLY),
        ("precedence", "auto_reply", AutoKind.REPLY),
        ("x-cron-env", "<SHELL=/bin/sh>", AutoKind.NOTICE),
        ("return-path", "<>", AutoKind.NOTICE),
        ("content-type", "multipart/report; report-type=disposition-notification", AutoKind.RECEIPT),
        ("content-type", "multipart/report; report-type=feedback-report", AutoKind.RECEIPT),
    ],
)
def test_a_header_sign_decides(name: str, value: str, kind: AutoKind) -> None:
    judgement = judge(Signs({name: value}))
    assert judgement.kind is kind
    assert judgement.reason and judgement.no_answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-auto-response-suppress", "DR, RN, OOF"),
        ("x-auto-response-suppress", "All"),
        ("x-loop", "relay@mail.example.net"),
        ("precedence", "bulk"),
        ("precedence", "list"),
        ("list-id", "<x.lists.example>"),
        ("mailing-list", "list x@lists.example; contact x+owners@lists.example"),
        ("x-ms-exchange-inbox-rules-loop", "kim@corp.example"),
        ("x-rt-loop-prevention", "uni.example"),
    ],
)
def test_a_header_that_forbids_an_answer_makes_nobody_a_machine(name: str, value: str) -> None:
    judgement = judge(Signs({name: value}, "Printer", "ann@example.com"))
    assert judgement.kind is AutoKind.NONE and not judgement.reason
    assert judgement.no_answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "auto-generated"),
        ("precedence", "bulk"),
        ("x-auto-response-suppress", "All"),
        ("list-unsubscribe", "<https://forms.example/u>"),
    ],
)
def test_what_a_form_sends_for_a_visitor_is_a_persons_and_may_be_answered(name: str, value: str) -> None:
    signs = Signs({name: value}, "Contact", "wordpress@shop.example", "erika@erika.example")
    assert judge(signs) == Judgement(AutoKind.NONE)


def test_a_form_that_names_nobody_else_is_judged_by_its_headers() -> None:
    generated = {"auto-submitted": "auto-generated"}
    for answer_to in ("", "wordpress@shop.example", "no-reply@shop.example"):
        assert judge(Signs(generated, "Order", "wordpress@shop.example", answer_to)).kind is AutoKind.NOTICE


def test_an_absence_is_an_absence_whoever_is_named_in_reply_to() -> None:
    signs = Signs({"auto-submitted": "auto-replied"}, "Away", "web@shop.example", "erika@erika.example")
    assert judge(signs).kind is AutoKind.REPLY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "no"),
        ("auto-submitted", "No (a comment)"),
        ("x-auto-response-suppress", "DR, RN, NRN"),
        ("x-sieve-redirected-from", "ann@example.com"),
        ("precedence", "first-class"),
        ("x-autoreply", "no"),
        ("return-path", "<ann@example.com>"),
        ("content-type", "multipart/mixed"),
    ],
)
def test_a_header_that_says_no_decides_nothing(name: str, value: str) -> None:
    assert judge(Signs({name: value})) == Judgement(AutoKind.NONE)


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Printer", "Out of Office", "Automatische Antwort: Drucker", "Abwesenheitsnotiz", "AutoReply: x",
     "Réponse automatique : imprimante", "Respuesta automática: impresora", "Resposta automática: x", "Autosvar: x",
     "Risposta automatica: x", "Automatisch antwoord: x", "Odpowiedź automatyczna: x", "Automatická odpověď: x",
     "Автоответ: вопрос", "Автоматический ответ: x", "自动回复: 你好", "自動返信：件名",
     "부재중: x", "Otomatik Yanıt: x",
     "Automaattinen vastaus: x", "Αυτόματη απάντηση: x", "תשובה אוטומטית: x", "رد تلقائي: x", "Trả lời tự động: x"],
)  # fmt: skip
def test_a_subject_of_an_absence_decides_in_many_languages(subject: str) -> None:
    assert judge(Signs(subject=subject)).kind is AutoKind.REPLY


@pytest.mark.parametrize(
    "subject",
    ["Re: Out of office chairs, order 12", "How do I set up an automatic reply?", "vacation days missing in the app",
     "Automatic door broken", "Urlaubsantrag geht nicht", "Auto", "Re: Automatic reply setup", "",
     "不在留守番電話の設定", "I am out of the office, and cannot log in", "Ich bin nicht im Büro, VPN geht nicht",
     "Abwesend bis Freitag, wer vertritt mich?"],
)  # fmt: skip
def test_a_persons_subject_decides_nothing(subject: str) -> None:
    assert judge(Signs(subject=subject, sender="ann@example.com")).kind is AutoKind.NONE


def test_mail_of_a_daemon_or_without_a_sender_is_automatic() -> None:
    assert judge(Signs(sender="MAILER-DAEMON@mx.example")).kind is AutoKind.NOTICE
    assert judge(Signs(null_sender=True)).kind is AutoKind.NOTICE


def test_only_a_proven_message_id_makes_our_own_echo() -> None:
    assert judge(Signs({"x-frontdesk": "1"})).kind is AutoKind.NONE
    assert judge(Signs({"auto-submitted": "auto-replied"}, own=True)).kind is AutoKind.OWN


@pytest.mark.parametrize(
    "subject",
    [
        "Abwesenheitsnotiz einrichten", "Automatische Antwort kommt doppelt", "Réponse automatique ne marche pas",
        "Respuesta automática no funciona", "自動返信が届きません", "自动回复不工作", "Urlaub: wie beantrage ich ihn?",
        "Out of office settings do not work", "I am out of the office and cannot log in", "Vacation request",
        "Re: Out of office", "Automatic replies are sent twice", "Vacation: Re-book my flight", "Отпуск: расчет",
    ],
)  # fmt: skip
def test_who_writes_about_automatic_answers_is_a_person(subject: str) -> None:
    assert judge(Signs(subject=subject)).kind is AutoKind.NONE
