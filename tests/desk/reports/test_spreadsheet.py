"""No cell of a CSV is a formula, whatever somebody wrote."""

from __future__ import annotations

import pytest

from desk.reports.spreadsheet import safe_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "﹦1", ' =1', '"=1', "'=1", '" ＝1', "\t=1", "\r=1",
     "\n=1", "\ufeff=1", "\u200b＝1", "“=1”", "\tplain", "=HYPERLINK(\"http://evil.test\")"],
)  # fmt: skip
def test_what_begins_a_formula_is_shown_as_text(text: str) -> None:
    assert safe_cell(text).startswith("'") and safe_cell(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r\n", "|"])
@pytest.mark.parametrize("formula", ["=1", ' "＝1', "@x"])
def test_a_formula_behind_another_separator_is_text_too(separator: str, formula: str) -> None:
    assert safe_cell(f"words{separator}{formula}") == f"words{separator}'{formula}"


@pytest.mark.parametrize("text", ["", "words", "a=b", "a - b", "x@y.test", "müde ＝ 3", "a; b", "two\nlines"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text
