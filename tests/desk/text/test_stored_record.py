"""A frozen dataclass is stored without its defaults, and read back from whatever a release has stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from desk.mail.states import OutboundKind
from desk.mail.stored_file import StoredFile
from desk.text import stored_record
from desk.text.stored_record import stored_as


@dataclass(frozen=True, slots=True)
class Inner:
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    mailbox: str = stored_as("from")
    number: int = 0
    flag: bool = False
    owner: int | None = None
    names: tuple[str, ...] = ()
    files: tuple[StoredFile, ...] = ()
    inner: Inner = Inner()
    kind: OutboundKind | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


FULL = Sample(
    "a@b",
    3,
    True,
    7,
    ("x", "y"),
    (StoredFile("f.txt", size=2, sha256="ab"),),
    Inner("t"),
    OutboundKind.REPLY,
    {"a": [1]},
)


def test_what_equals_its_default_is_not_stored() -> None:
    assert stored_record.to_json(Sample()) == {}
    assert stored_record.to_json(Sample(number=3)) == {"number": 3}
    assert stored_record.to_json(Sample(owner=0)) == {"owner": 0}


def test_a_record_comes_back_as_it_was_stored() -> None:
    stored = stored_record.to_json(FULL)
    assert stored["from"] == "a@b" and stored["inner"] == {"text": "t"} and stored["kind"] == "reply"
    assert type(stored["kind"]) is str and stored["names"] == ["x", "y"]
    assert stored_record.from_json(Sample, stored) == FULL


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"of": "another release"},
        {"number": None, "names": None, "inner": None},
        {"number": "many", "names": 5, "inner": "text", "files": [None], "values": 3},
        {"names": "xy"},
    ],
)
def test_what_is_missing_unknown_or_of_another_type_leaves_the_default(stored: dict[str, Any]) -> None:
    assert stored_record.from_json(Sample, stored) == Sample()


def test_a_number_that_another_release_stored_as_text_is_read() -> None:
    assert stored_record.from_json(Sample, {"number": "12", "owner": "4"}) == Sample(number=12, owner=4)


def test_a_word_that_no_list_has_stays_readable() -> None:
    assert stored_record.from_json(Sample, {"kind": "later"}).kind == "later"
