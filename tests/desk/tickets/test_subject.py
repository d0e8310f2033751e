"""Subjects lose their prefixes in every language; our tags and other desks' numbers are read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.tickets.subject import base, foreign_numbers, is_forward, is_surely_forward, lasting_numbers, tag, tags


@pytest.mark.parametrize(
    "subject",
    ["Re: Printer", "RE: FW: Printer", "Re[2]: Printer", "Re(3): Printer", "AW: WG: Printer", "RE : Printer",
     "TR: Printer", "SV: VB: Printer", "VS: Printer", "Odp: Printer", "Antw: Printer", "RIF: Printer",
     "R: I: Printer", "Отв: Printer", "回复：Printer", "转发: Printer", "返信: Printer", "회신: Printer",
     "YNT: İLT: Printer",
     "ΑΠ: Printer", "השב: Printer", "رد: Printer", "Trả lời: Printer", "[list] Re: Printer", "Re: [list] Printer",
     "Re: [#12] Printer", "[#12] Re:  Printer ", "Vá: Printer", "ตอบกลับ: Printer", "Res: ENC: Printer"],
)  # fmt: skip
def test_prefixes_tags_and_list_names_go(subject: str) -> None:
    assert base(subject) == "Printer"


@pytest.mark.parametrize("subject", ["Regarding printers", "Reboot: failed", "[Ticket#12]", "Re:", "", "Iron: rusty"])
def test_what_is_no_prefix_stays(subject: str) -> None:
    assert base(subject) == subject


def test_our_tag_is_made_and_read() -> None:
    assert tag(123) == "[#123]"
    assert tags("Re: [#123] and [#7] and [#123]") == (123, 7)
    assert tags("[# 12] [#] [#1234567890123] (#12) [Ticket#5]") == ()


def test_other_desks_numbers_are_read() -> None:
    assert foreign_numbers("Re: [Ticket#2026030112] x") == ("2026030112",)
    assert foreign_numbers("INC0012345 has been updated") == ("INC0012345",)
    assert foreign_numbers("[JIRA] (ABC-42) crash") == ("ABC-42",)
    assert foreign_numbers("[example.com #1234] help [#12]") == ("1234",)


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("Case 00123456: x [ ref:_00D20abc._5002xyz:ref ]", ("00123456", "_00D20abc._5002xyz")),
        ("[ABC12D-3EF4] x", ("ABC12D-3EF4",)), ("Re: [#ABC-123-45678]: Help", ("ABC-123-45678",)),
        ("CASE-2026-12345 x", ("CASE-2026-12345",)), ("[##12345##] x", ("12345",)), ("ABC-42: crash", ("ABC-42",)),
        ("AW: Ticketnummer 12345: x", ("12345",)), ("Vorgangsnummer: 2026-4711", ("2026-4711",)),
        ("[Dossier n°123456] x", ("123456",)), ("Référence : 123456", ("123456",)), ("Ticket n° 123456", ("123456",)),
        ("Incidencia 12345: x", ("12345",)), ("Chamado 12345 aberto", ("12345",)), ("Richiesta n. 12345", ("12345",)),
        ("Zaaknummer 12345", ("12345",)), ("Ärende 12345", ("12345",)), ("Zgłoszenie nr 12345", ("12345",)),
        ("Заявка №12345 принята", ("12345",)), ("Звернення № 12345", ("12345",)), ("工单号：12345", ("12345",)),
        ("【受付番号:12345】x", ("12345",)), ("문의번호 12345", ("12345",)), ("Talep No: 12345", ("12345",)),
        ("Požadavek č. 12345", ("12345",)),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_form_and_language_of_other_desks(subject: str, numbers: tuple[str, ...]) -> None:
    assert foreign_numbers(subject) == numbers


@pytest.mark.parametrize(
    "subject",
    ["UTF-8 bug", "COVID-19: rules", "ISO-9001 audit", "Printer HP-1234 broken", "Re: Order 12345", "Ticket 1 of 2",
     "Invoice #2026-03", "Meeting on 2026-03-01", "I have 3 requests: 12345"],
)  # fmt: skip
def test_other_numbers_are_no_tickets(subject: str) -> None:
    assert foreign_numbers(subject) == ()


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("RE: inc0012000 again", ("INC0012000",)), ("[JIRA] (ABC-42) crash", ("ABC-42",)),
        ("[Case 2026030112]", ("2026030112",)),
        ("[2026] Budget", ()), ("[FY2026] x", ()), ("[Q3-2026] Report", ()), ("[2026-03] x", ()), ("[20260301] x", ()),
        ("(#123) x", ()), ("[COVID-19] rules", ()), ("no number", ()),
    ],
)  # fmt: skip
def test_years_and_short_numbers_do_not_tell_one_matter_from_another(subject: str, numbers: tuple[str, ...]) -> None:
    assert lasting_numbers(subject) == numbers


def test_a_prefix_that_means_both_is_no_sure_forward() -> None:
    assert is_surely_forward("WG: x")
    assert is_forward("VS: x")
    assert not is_surely_forward("VS: x")


def test_a_forward_is_known_by_its_prefix() -> None:
    assert is_forward("Fwd: x")
    assert is_forward("WG: x")
    assert is_forward("[list] Fw: x")
    assert not is_forward("Re: x")
    assert not is_forward("forward planning")


@given(st.text(max_size=200))
def test_any_subject_has_a_base_and_it_is_stable(subject: str) -> None:
    once = base(subject)
    assert bool(once) == bool(" ".join(subject.split()).strip()) or "[#" in subject
    foreign_numbers(subject)


def test_thousands_of_prefixes_take_no_time() -> None:
    started = time.process_time()
    base("Re: " * 20_000)
    base("[" * 20_000)
    foreign_numbers("[ticket" * 10_000)
    assert time.process_time() - started < 0.5
