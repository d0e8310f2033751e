"""The day in an absence notice is found in every language, and in nothing else."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.out_of_office import read
from tests.desk.text.test_languages import LANGUAGES, rows

WRITTEN = date(2026, 11, 23)
_NOTICES = list(rows("absences"))


def test_there_is_a_notice_in_every_language() -> None:
    assert {language for language, _, _ in _NOTICES} == LANGUAGES


@pytest.mark.parametrize(("day", "words"), [(day, words) for _, day, words in _NOTICES])
def test_the_day_of_return_is_read(day: str, words: str) -> None:
    found = read("", f"Hello,\n\n{words}\n\nKim", WRITTEN)
    assert (str(found.day) if found else "-") == day


def test_the_last_day_away_is_told_from_the_first_day_back() -> None:
    assert str(read("Out of office until 1 Dec", "", WRITTEN)) == "out of office until 2026-12-01"
    assert str(read("Out of office", "I am back on 2 Dec.", WRITTEN)) == "out of office, back on 2026-12-02"


def test_a_day_long_ago_or_far_away_is_not_believed() -> None:
    assert read("Out of office until 1 December 2019", "", WRITTEN) is None
    assert read("Out of office until 1 December 2099", "", WRITTEN) is None
    assert read("Out of office until 31 February 2027", "", WRITTEN) is None


@given(st.text(max_size=300))
def test_any_text_may_come(text: str) -> None:
    read(text, "out of office until " + text, WRITTEN)


def test_long_repetitions_take_no_time() -> None:
    started = time.process_time()
    for words in ("1.", "until ", "1/1/", "december ", "1 december ", "until 1", "2026. ", "bis zum "):
        read("away", words * 5_000, WRITTEN)
    assert time.process_time() - started < 2
