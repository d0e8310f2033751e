"""Answers as people write them and mail programs quote below them: the new words stay, nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.mail.reply_text import split
from tests.answered import cases, fits


@pytest.mark.parametrize(("mail", "mark", "wanted"), cases(Path(__file__).parent / "replies"))
def test_only_the_new_words_are_the_reply(mail: str, mark: str, wanted: str) -> None:
    reply, cuts = split(mail)
    assert fits(reply, mark, wanted), reply
    assert len("".join(mail.split())) == len("".join((reply + "".join(cut.text for cut in cuts)).split()))
