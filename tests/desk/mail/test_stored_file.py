"""A file of a message is the same when it comes back from its row."""

from __future__ import annotations

import pytest

from desk.mail.inbound_request import Attachment
from desk.mail.stored_file import StoredFile

ROW = {"name": "a.png", "media_type": "image/png", "size": 3, "sha256": "ab", "content_id": "x@y", "inline": True}


@pytest.mark.parametrize("stored", [ROW, ROW | {"sha256": "", "missing": "it is larger than 3 bytes"}])
def test_it_is_stored_as_it_was_read(stored: dict[str, object]) -> None:
    assert StoredFile.from_json(stored).to_json() == stored


def test_a_file_of_a_request_is_kept_whole() -> None:
    assert StoredFile.of_request(Attachment("a.png", "image/png", 3, "ab", "x@y", inline=True)).to_json() == ROW


def test_what_an_older_row_does_not_say_is_empty() -> None:
    assert StoredFile.from_json({"sha256": "ab", "size": None}) == StoredFile("", sha256="ab")
