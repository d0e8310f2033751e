"""Generated conversations: most are read right in every program and language, and no word of any mail gets lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.mail.reply_text import split
from tests import generators
from tests.answered import cases, fits
from tests.generators.replies import data
from tests.generators.replies.__main__ import webmails
from tests.generators.replies.conversations import conversations
from tests.generators.replies.measure import measured, together

LEAST_RIGHT, MOST_LOST, MOST_LEAKED = 0.95, 0.01, 0.03
LEAST_BY_HAND = 0.92
BY_HAND = Path(generators.__file__).parent / "replies" / "by_hand"


def test_nearly_all_generated_replies_are_found_exactly() -> None:
    figures = together(measured(conversations(900, seed=31)).values())
    assert figures.exact >= LEAST_RIGHT * figures.count, figures
    assert figures.lost <= MOST_LOST * figures.count, figures
    assert figures.leaked <= MOST_LEAKED * figures.count, figures


def test_attributions_of_web_mail_programs_are_known_in_all_their_languages() -> None:
    figures = together(measured(webmails(seed=31)).values())
    assert figures.exact >= 0.98 * figures.count, figures


def test_no_character_of_a_generated_mail_is_lost() -> None:
    for one in conversations(300, seed=32):
        text = one.text.replace("\r\n", "\n")
        reply, cuts = split(text)
        assert "".join(text.split()) == "".join((reply + "".join(cut.text for cut in cuts)).split()) or cuts
        assert sorted("".join(text.split())) == sorted("".join((reply + "".join(cut.text for cut in cuts)).split()))


@pytest.mark.parametrize("text", data.own_words())
def test_what_people_write_stays_even_if_it_looks_like_what_programs_write(text: str) -> None:
    assert "".join(split(text)[0].split()) == "".join(text.split())


def test_replies_written_by_hand_are_mostly_found_exactly() -> None:
    written = [case.values for case in cases(BY_HAND)]  # type: ignore[attr-defined]
    right = sum(fits(split(mail)[0], mark, wanted) for mail, mark, wanted in written)
    assert right >= LEAST_BY_HAND * len(written), right
