"""Subjects lose their prefixes in every language; our tags and other desks' numbers are read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.subject import base, foreign_numbers, is_forward, tag, tags


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
