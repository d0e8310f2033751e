"""What comes in by HTTP is clean before a page sees it."""

from __future__ import annotations

from datetime import date

import pytest

from desk.web.clean_input import BadInput, check_day, clean_text, read_json, whole_number


def test_nul_and_half_characters_leave_a_text() -> None:
    assert clean_text("a\0b\ud83dc\udfff 🙂 ü") == "ab\ufffdc\ufffd 🙂 ü"


@pytest.mark.parametrize("text", ["²", "٣", "¾", "", "-1", "+1", "1.0", "1e3", "0x1", "1_0", "9" * 20, str(2**63), "x"])
def test_what_is_no_plain_number_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_a_plain_number_is_read_up_to_its_limit() -> None:
    assert (whole_number(" 007 "), whole_number(str(2**63 - 1)), whole_number("8", 7)) == (7, 2**63 - 1, None)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '["\\u0000"]',
        "[" * 41 + "]" * 41,
        "[" * 100_000,
        '{"a":' * 1000 + "1" + "}" * 1000,
        "9" * 5000,
        str(2**63),
        "-" + str(2**64),
        "1e999",
        "NaN",
        "[-Infinity]",
        "{",
        "",
        "\ufeff{}",
    ],
)
def test_json_that_cannot_be_kept_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"\w+ \w+"):
        read_json(text)


@pytest.mark.parametrize("content", [b'{"a": "\xed\xa0\x80"}', b"\xff", '{"a": 1}'.encode("utf-16")])
def test_json_that_is_no_utf_8_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        read_json(content)


def test_json_of_every_kind_is_read() -> None:
    assert read_json(b'{"a": [1, -2.5, true, null, "\xc3\xbc \\ud83d\\ude42"]}') == {"a": [1, -2.5, True, None, "ü 🙂"]}


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(9001, 1, 1), date.max])
def test_a_day_at_the_end_of_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(BadInput):
        check_day(day)
