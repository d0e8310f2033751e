"""What mail programs write by themselves, a row a program and language: it is cut, known for automatic, or taken off.

The rows stand in tests/desk/languages/*.tsv as `language TAB program TAB text`, with \\n where a line breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pytest

from desk.mail.automatic import Signs, judge
from desk.mail.inbound_request import AutoKind
from desk.mail.reply_text import split
from desk.tickets.subject import base, is_forward, is_surely_forward

LANGUAGES = {
    "en", "de", "fr", "sv", "da", "no", "fi", "pl", "nl", "it", "ru", "uk", "es", "pt", "zh", "ja", "ko", "cs", "sk",
    "hu", "ro", "tr", "el", "he", "ar", "th", "vi",
}  # fmt: skip
TABLES = ("attributions", "header_blocks", "sent_from", "automatic_subjects", "prefixes")
WORDS = "It works now."
NAMES = (
    "Kim Park", '"Park, Kim"', "Kim Park (Example Ltd.)", "Dr. Kim-Anna von Park-Hansen", "朴金", "Ким Парк",
    "كيم بارك", "'Kim Park' via Support", "kim@example.org", "Example Support Team",
)  # fmt: skip


def rows(table: str) -> Iterator[tuple[str, str, str]]:
    source = (Path(__file__).parents[1] / "languages" / f"{table}.tsv").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line and not line.startswith("#"):
            language, program, text = line.split("\t")
            yield language, program, text.replace("\\n", "\n")


def _cases(table: str) -> list[object]:
    return [pytest.param(text, id=f"{language}, {program}") for language, program, text in rows(table)]


@pytest.mark.parametrize("table", TABLES)
def test_every_language_has_a_row_in_every_table(table: str) -> None:
    assert {language for language, _, _ in rows(table)} >= LANGUAGES


@pytest.mark.parametrize("line", _cases("attributions"))
def test_an_attribution_goes_with_the_quote_below_it(line: str) -> None:
    for between in ("\n\n", "\n"):
        reply, cuts = split(f"{WORDS}\n\n{line}{between}> old words\n> more\n")
        assert reply == WORDS
        assert "old words" in cuts[0].text


@pytest.mark.parametrize("line", _cases("attributions"))
@pytest.mark.parametrize("name", NAMES)
def test_an_attribution_goes_whoever_it_names_and_wherever_it_breaks(line: str, name: str) -> None:
    named = (
        line.replace('"Kim Park"', "Kim Park").replace("'Kim Park' via Support", "Kim Park").replace("Kim Park", name)
    )
    flat = named.replace("\n", " ")
    for width in (64, 72, 78):
        broken = "\n".join(wrap(flat, width, break_long_words=False, break_on_hyphens=False))
        assert split(f"{WORDS}\n\n{broken}\n> old words\n> more\n")[0] == WORDS


@pytest.mark.parametrize("line", [case for case in _cases("attributions") if "@" in str(case)])
def test_an_attribution_with_an_address_needs_no_quote_marks(line: str) -> None:
    assert split(f"{WORDS}\n\n{line}\n\nold words\nmore\n")[0] == WORDS


@pytest.mark.parametrize("block", _cases("header_blocks"))
def test_the_block_above_an_earlier_mail_goes_with_it(block: str) -> None:
    mark = "> " if block.startswith("> ") else ""
    for rule in ("", "________________________________\n"):
        assert split(f"{WORDS}\n\n{rule}{block}\n\n{mark}old words\n")[0] == WORDS


@pytest.mark.parametrize("line", _cases("sent_from"))
def test_what_a_program_adds_below_the_words_goes(line: str) -> None:
    assert split(f"{WORDS}\n\n{line}\n")[0] == WORDS
    assert split(f"{WORDS}\n\n{line}\n\nFrom: Kim <kim@example.org>\nSent: x\nTo: y\nSubject: z\n\nold\n")[0] == WORDS


@pytest.mark.parametrize("subject", _cases("automatic_subjects"))
def test_the_subject_of_an_automatic_answer_is_known(subject: str) -> None:
    assert judge(Signs(subject=subject)).kind is AutoKind.REPLY


@pytest.mark.parametrize(("kind", "prefix"), [(kind, prefix) for _, kind, prefix in rows("prefixes")])
def test_a_prefix_goes_and_says_whether_a_mail_was_passed_on(kind: str, prefix: str) -> None:
    subject = prefix if prefix.startswith("[") else f"{prefix} Printer"
    assert base(subject) == "Printer"
    assert is_forward(subject) if kind == "forward" else not is_surely_forward(subject)
